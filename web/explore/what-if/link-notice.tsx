import type { Panel } from '../panel.js';
import { linkProblem } from './address.js';

/** Says that the address could not be used; what the page has itself is shown instead. */
function LinkNotice() {
  const problem = linkProblem.value;
  if (problem === undefined) return null;
  return (
    <p class="link-notice bad" role="alert">
      <span aria-hidden="true">✗ </span>
      This link cannot be used: {problem}. What the page has itself is shown.{' '}
      <button type="button" onClick={() => void (linkProblem.value = undefined)}>
        Dismiss
      </button>
    </p>
  );
}

export const linkNotice: Panel = { id: 'link', title: 'the link', place: 'header', Component: LinkNotice };
