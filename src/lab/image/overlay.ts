import { existsSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { LabError } from '../machine-api.js';
import { cpio } from './cpio.js';
import { AGENT_PATH } from './init-script.js';

/** dommu's own folder, from the sources as well as from what was built of them. */
export const PACKAGE_FOLDER = fileURLToPath(new URL('../../../', import.meta.url));

/** The agent, as `npm run build` leaves it. */
export const AGENT_BUNDLE = join(PACKAGE_FOLDER, 'dist', 'lab', 'agent.cjs');

/** dommu's version: an agent of another one is not spoken to. */
export function dommuVersion(): string {
  return (JSON.parse(readFileSync(join(PACKAGE_FOLDER, 'package.json'), 'utf8')) as { version: string })
    .version;
}

/**
 * The agent and the addon it needs, as a second archive behind the image's: a change of the agent makes no new image.
 * @throws LabError when the agent has not been built.
 */
export function agentOverlay(agent = AGENT_BUNDLE): Buffer {
  if (!existsSync(agent)) {
    throw new LabError(`the lab's agent is missing (${agent})`, 2, 'npm run build makes it');
  }
  const folder = dirname(AGENT_PATH);
  const addon = koffiAddon(agent);
  return cpio([
    { path: AGENT_PATH, kind: 'file', mode: 0o644, content: readFileSync(agent) },
    ...(addon === undefined
      ? []
      : [{ path: `${folder}/koffi.node`, kind: 'file', mode: 0o755, content: readFileSync(addon) } as const]),
  ]);
}

/** koffi's addon for Debian: beside the agent, or in the package that npm installs for this machine. */
function koffiAddon(agent: string): string | undefined {
  const beside = join(dirname(agent), 'koffi.node');
  if (existsSync(beside)) return beside;
  try {
    const manifest = createRequire(import.meta.url).resolve('@koromix/koffi-linux-x64/package.json');
    const inPackage = join(dirname(manifest), 'linux_x64', 'koffi.node');
    return existsSync(inPackage) ? inPackage : undefined;
  } catch {
    return undefined;
  }
}
