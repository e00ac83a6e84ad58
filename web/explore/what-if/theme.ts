import type { Extension } from '@codemirror/state';
import { EditorView } from '@codemirror/view';

/** The editor in the page's colours, whose variables reach into the shadow root. */
export const THEME: Extension = EditorView.theme({
  '&': {
    height: '100%',
    color: 'var(--text)',
    backgroundColor: 'var(--sunken)',
    fontSize: '0.929rem',
  },
  '&.cm-focused': { outline: '2px solid var(--focus)', outlineOffset: '-2px' },
  '.cm-scroller': { fontFamily: 'var(--mono)', lineHeight: '1.45', overflow: 'auto' },
  '.cm-content': { caretColor: 'var(--text)' },
  '.cm-cursor': { borderLeftColor: 'var(--text)' },
  '.cm-gutters': {
    color: 'var(--dim)',
    backgroundColor: 'var(--head)',
    borderRight: '1px solid var(--line)',
    cursor: 'pointer',
  },
  '& > .cm-scroller > .cm-selectionLayer .cm-selectionBackground, &.cm-focused > .cm-scroller > .cm-selectionLayer .cm-selectionBackground':
    { backgroundColor: 'var(--chosen)' },
  '.cm-selectionMatch': { backgroundColor: 'var(--picked-bg)' },
  '.cm-searchMatch': { backgroundColor: 'var(--changed-bg)', outline: '1px solid var(--changed)' },
  '.cm-searchMatch-selected': { outline: '2px solid var(--changed)' },
  '.cm-panels': { color: 'var(--text)', backgroundColor: 'var(--head)' },
  '.cm-textfield, .cm-button': {
    color: 'var(--text)',
    background: 'var(--panel)',
    border: '1px solid var(--line-strong)',
  },
  '.cm-current-step': { backgroundColor: 'var(--chosen)', boxShadow: 'inset 4px 0 0 var(--accent)' },
  '.cm-wrong-line': { backgroundColor: 'var(--bad-bg)' },
  '.cm-wrong': { textDecoration: 'underline wavy var(--bad)', textUnderlineOffset: '0.2em' },
  // Lines may be longer than what can be seen; what is wrong is read without scrolling, beside numbers of seven digits.
  '.cm-problem': {
    maxWidth: 'calc(100cqi - 5rem)',
    padding: '0.2rem 0.6rem',
    fontFamily: 'var(--sans)',
    whiteSpace: 'pre-wrap',
    overflowWrap: 'anywhere',
    backgroundColor: 'var(--bad-bg)',
    borderLeft: '4px solid var(--bad)',
  },
  '.cm-problem strong': { color: 'var(--bad)' },
  '.tok-comment': { color: 'var(--dim)', fontStyle: 'italic' },
  '.tok-operation': { color: 'var(--accent)', fontWeight: '600' },
  '.tok-declaration': { color: 'var(--differs)', fontWeight: '600' },
  '.tok-block': { color: 'var(--good)', fontWeight: '600' },
  '.tok-unknown': { color: 'var(--bad)', textDecoration: 'underline dotted' },
  '.tok-string': { color: 'var(--warn)' },
  '.tok-number': { color: 'var(--changed)' },
  '.tok-key': { color: 'var(--dim)' },
});
