import { request } from 'node:http';
import { afterEach, describe, expect, it } from 'vitest';
import { type LocalServer, type Site, serveLocally } from './local-server.js';

const site: Site = (path) =>
  path === ''
    ? { type: 'text/html', body: '<p>hällo', policy: "default-src 'none'; worker-src blob:" }
    : path === 'part.js'
      ? { type: 'text/javascript', body: 'part()' }
      : undefined;

const servers: LocalServer[] = [];
afterEach(async () => {
  for (const server of servers.splice(0)) await server.close();
});
async function served(): Promise<LocalServer> {
  const server = await serveLocally(site, 0);
  servers.push(server);
  return server;
}

interface Got {
  readonly status: number;
  readonly body: string;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
}

/** Asks as a browser would, or as no browser would: with any path, method and `Host`. */
function ask(port: number, path: string, { method = 'GET', host = `127.0.0.1:${port}` } = {}): Promise<Got> {
  return new Promise((done, fail) => {
    const asking = request({ port, host: '127.0.0.1', path, method, headers: { host } }, (response) => {
      let body = '';
      response.setEncoding('utf8').on('data', (text: string) => (body += text));
      response.on('end', () => done({ status: response.statusCode!, body, headers: response.headers }));
    });
    asking.on('error', fail).end();
  });
}

const tokenOf = ({ url }: LocalServer): string => url.split('/')[3]!;

describe('the server of pages', () => {
  it('gives what there is to who has the token, and tells browsers to keep it to themselves', async () => {
    const server = await served();
    const { status, body, headers } = await ask(server.port, `/${tokenOf(server)}/`);
    expect({ status, body }).toEqual({ status: 200, body: '<p>hällo' });
    expect(headers).toMatchObject({
      'content-type': 'text/html; charset=utf-8',
      'content-length': '9',
      'content-security-policy': "default-src 'none'; worker-src blob:; frame-ancestors 'none'",
      'x-content-type-options': 'nosniff',
      'referrer-policy': 'no-referrer',
      'cache-control': 'no-store',
      'cross-origin-opener-policy': 'same-origin',
      'cross-origin-resource-policy': 'same-origin',
    });
    expect(headers['access-control-allow-origin']).toBeUndefined();
    expect(await ask(server.port, `/${tokenOf(server)}/part.js?x`)).toMatchObject({
      status: 200,
      body: 'part()',
      headers: { 'content-type': 'text/javascript; charset=utf-8' },
    });
    expect((await ask(server.port, `/${tokenOf(server)}/other`)).status).toBe(404);
  });

  it('gives nothing to who lacks the token or has another one', async () => {
    const server = await served();
    const token = tokenOf(server);
    expect(token).toMatch(/^[0-9a-f]{32}$/);
    const other = `${token[0] === '0' ? '1' : '0'}${token.slice(1)}`;
    for (const path of [
      '/',
      '/favicon.ico',
      `/${other}/`,
      `/${token}x/`,
      `/x/${token}/`,
      `//${token}/`,
      '*',
    ]) {
      const { status, body } = await ask(server.port, path);
      expect({ path, status }).toEqual({ path, status: 403 });
      expect(body).not.toContain(token);
    }
    expect(tokenOf(await served())).not.toBe(token);
  });

  it('answers to no name but its own, so that no other name can be made to stand for it', async () => {
    const server = await served();
    const path = `/${tokenOf(server)}/`;
    for (const host of [
      'evil.example',
      `evil.example:${server.port}`,
      '127.0.0.1',
      '127.0.0.1:1',
      `127.0.0.1:${server.port}.`,
    ])
      expect((await ask(server.port, path, { host })).status).toBe(403);
    expect((await ask(server.port, path, { host: `localhost:${server.port}` })).status).toBe(200);
    expect((await ask(server.port, `http://evil.example${path}`)).status).toBe(403);
  });

  it('changes nothing for anybody', async () => {
    const server = await served();
    const path = `/${tokenOf(server)}/`;
    for (const method of ['POST', 'PUT', 'DELETE', 'OPTIONS', 'PATCH'])
      expect(await ask(server.port, path, { method })).toMatchObject({
        status: 405,
        headers: { allow: 'GET, HEAD' },
      });
    expect(await ask(server.port, path, { method: 'HEAD' })).toMatchObject({
      status: 200,
      body: '',
      headers: { 'content-length': '9' },
    });
  });

  it('leads to the page who forgot the last slash', async () => {
    const server = await served();
    const { status, headers } = await ask(server.port, `/${tokenOf(server)}`);
    expect({ status, location: headers.location }).toEqual({ status: 308, location: `/${tokenOf(server)}/` });
  });

  it('says which port it cannot have', async () => {
    const { port } = await served();
    await expect(serveLocally(site, port)).rejects.toMatchObject({
      diagnostic: { file: '--port', message: `port ${port} of 127.0.0.1 cannot be had (EADDRINUSE)` },
    });
  });
});
