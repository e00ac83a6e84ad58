import { type Layers, placed } from './layered.js';
import type { LayoutReply } from './layout-messages.js';

/** Lays a graph out, beside the page, so that neither page nor model wait for it. */

/** Milliseconds between two words about how far it has come. */
const NEWS = 100;

const post = (reply: LayoutReply): void => self.postMessage(reply);

self.onmessage = ({ data }: MessageEvent<Layers>) => {
  let told = performance.now();
  const x = placed(data, (share) => {
    if (performance.now() - told < NEWS) return;
    told = performance.now();
    post({ share });
  });
  post({ x });
};
