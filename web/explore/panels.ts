import { callsPanel } from './calls.js';
import { devicesPanel } from './devices.js';
import { grantsPanel } from './grants.js';
import { invariantsPanel } from './invariants.js';
import { lastDmaPanel } from './last-dma.js';
import { domainsPanel } from './machine/domains.js';
import { framesPanel } from './machine/frames.js';
import { outcomePanel } from './outcome.js';
import type { Panel } from './panel.js';
import { searchPanel, searchStatusPanel } from './search/panel.js';
import { statesPanel } from './states/states.js';
import { stepsPanel } from './steps.js';
import { editionsPanel } from './what-if/editions.js';
import { editorPanel } from './what-if/editor.js';
import { linkNotice } from './what-if/link-notice.js';
import { surveyPanel } from './what-if/survey.js';
import { whyPanel } from './why.js';

/** The parts of the page, in their order. */
export const PANELS: readonly Panel[] = [
  stepsPanel,
  outcomePanel,
  whyPanel,
  callsPanel,
  domainsPanel,
  framesPanel,
  lastDmaPanel,
  devicesPanel,
  grantsPanel,
  invariantsPanel,
  editionsPanel,
  surveyPanel,
  editorPanel,
  linkNotice,
  searchStatusPanel,
  searchPanel,
  statesPanel,
];
