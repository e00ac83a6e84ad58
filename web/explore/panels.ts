import { outcomePanel } from './outcome.js';
import type { Panel } from './panel.js';
import { stepsPanel } from './steps.js';

/** The parts of the page, in their order. */
export const PANELS: readonly Panel[] = [stepsPanel, outcomePanel];
