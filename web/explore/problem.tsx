import { isInternal } from '../../src/explore/internal-problem.js';
import type { PanelProps } from './panel.js';

/** What is wrong with the program, and where; or, of the page itself, what went wrong. */
export function ProblemNotice({ session }: PanelProps) {
  const problem = session.problem.value;
  if (problem === undefined) return null;
  const { file, line, column, message, hint } = problem;
  return (
    <div class="problem" role="alert">
      <p>
        <span aria-hidden="true">✗ </span>
        {isInternal(problem) ? (
          <>
            <strong>An error inside dommu</strong>, not in the program:{' '}
          </>
        ) : (
          <strong>
            {file}:{line}:{column}:{' '}
          </strong>
        )}
        {message}
        {session.opened.value !== undefined && (
          <span class="dim"> What is shown is what was open before.</span>
        )}
      </p>
      {hint !== undefined && <p class="hint">{hint}</p>}
      <button type="button" onClick={() => void (session.problem.value = undefined)}>
        Dismiss
      </button>
    </div>
  );
}
