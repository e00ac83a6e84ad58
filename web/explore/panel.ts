import type { ComponentType } from 'preact';
import type { Session } from './session.js';

/** What every part of the page is given. */
export interface PanelProps {
  readonly session: Session;
}

/** The tabs beside the run: what is on the screen of them is asked for at every step, the others cost nothing. */
export const TABS = [
  'Machine',
  'Last DMA',
  'Devices',
  'Grants',
  'Invariants',
  'What if?',
  'Search',
  'States',
] as const;
export type Tab = (typeof TABS)[number];

/** A part of the page with a heading of its own. */
export interface Panel {
  /** In the element's id and in links to it. */
  readonly id: string;
  readonly title: string;
  /** Controls in the page's header; beside the steps, always on the screen; or under which tab of the machine. */
  readonly place: 'header' | 'run' | Tab;
  readonly Component: ComponentType<PanelProps>;
}
