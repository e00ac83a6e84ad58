import type { PageData } from '../../src/explore/page-data.js';
import { beginModel } from './head-start.js';
import { scriptUrl, textOf } from './texts.js';
import { saysProgram } from './what-if/link.js';

/**
 * The first script of the page, which is small: the model gets up in its worker and opens the page's program while the
 * page's own script is still being read. Where the address says another program, the model waits to be asked.
 */

const data: PageData = JSON.parse(textOf('data')!);
const isOwn = data.problem === undefined && !saysProgram(location.hash);
const script = scriptUrl(textOf('worker')!);
const model = beginModel(script, isOwn ? data.source : undefined);
globalThis.headStart = { data, script, model };
