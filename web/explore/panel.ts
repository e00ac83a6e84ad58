import type { ComponentType } from 'preact';
import type { Session } from './session.js';

/** What every part of the page is given. */
export interface PanelProps {
  readonly session: Session;
}

/** A part of the page with a heading of its own. */
export interface Panel {
  /** In the element's id and in links to it. */
  readonly id: string;
  readonly title: string;
  /** The column that it stands in: what was done, or what the machine is like. */
  readonly column: 'run' | 'machine';
  readonly Component: ComponentType<PanelProps>;
}
