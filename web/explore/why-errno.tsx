import type { ErrnoAnswer } from '../../src/explore/why-errno.js';
import type { PanelProps } from './panel.js';
import { type Session, useView } from './session.js';

/** Which rule of the dossier decided a step's answer. */
export function WhyErrno({ session, step }: PanelProps & { readonly step: number }) {
  const answer = useView(session, 'whyErrno', { step }).value;
  if (answer === undefined) return null;
  const { text, status, because, begun, rules } = answer;
  return (
    <>
      <p class="sentence">
        <StepLink session={session} step={step} />: <code>{text}</code> → <strong>{status}</strong>
        {because !== undefined && ` (${because})`}
      </p>
      {begun !== undefined && (
        <p>
          It goes on with the hypercall of <StepLink session={session} step={begun.step} />:{' '}
          <code>{begun.text}</code>
        </p>
      )}
      {rules.length > 0 ? <Rules answer={answer} /> : <Untold session={session} answer={answer} />}
      <Passed answer={answer} />
    </>
  );
}

function StepLink({ session, step }: { readonly session: Session; readonly step: number }) {
  return (
    <button type="button" class="link" onClick={() => session.goTo(step)}>
      step {step}
    </button>
  );
}

type Answered = { readonly answer: ErrnoAnswer };

function Rules({ answer }: Answered) {
  if (!('sure' in answer)) return null;
  const { rules, sure, status } = answer;
  return (
    <>
      <p>
        {sure
          ? `Decided by the first rung of its ladder of checks that held before the step:`
          : rules.length === 1
            ? `A rule that answers ${status}, and could have decided:`
            : `Rules that answer ${status}, and could have decided:`}
      </p>
      {rules.map(({ rule, section, text, fn, releases }) => (
        <div class="rung" key={rule}>
          <abbr title={`section ${section} of the dossier, the specification of Xen’s behaviour`}>
            {section}
          </abbr>{' '}
          {text}
          <span class="where">
            {fn !== undefined && (
              <>
                The guard is in <code>{fn}</code> of the model.{' '}
              </>
            )}
            {releases === 'all' ? 'All releases have it.' : `Releases that have it: ${releases}.`}
          </span>
        </div>
      ))}
    </>
  );
}

function Untold({ session, answer }: Answered & { readonly session: Session }) {
  if (!('untold' in answer)) return null;
  const { status, untold, passed, step } = answer;
  if (status === 'ok' && passed.length > 0) return null;
  return (
    <>
      <p>{sentence(untold)}</p>
      {status === 'fault' && (
        <button
          type="button"
          onClick={() => {
            session.goTo(step);
            session.tab.value = 'Last DMA';
          }}
        >
          show the way that the access took
        </button>
      )}
    </>
  );
}

const sentence = (text: string): string => `${text.charAt(0).toUpperCase()}${text.slice(1)}.`;

/** What could have refused the operation, and did not. */
function Passed({ answer: { passed, status } }: Answered) {
  if (passed.length === 0) return null;
  const checks = passed.length === 1 ? 'check' : 'checks';
  return (
    <details open={status === 'ok'}>
      <summary>
        {status === 'ok'
          ? `Nothing refused it: ${passed.length} ${checks} had to find nothing, and did`
          : `Before it, ${passed.length} ${checks} found nothing`}
      </summary>
      <ul class="passed">
        {passed.map(({ rule, section, text, fn }) => (
          <li key={rule}>
            {section} {text}
            {fn !== undefined && (
              <>
                {' '}
                (<code>{fn}</code>)
              </>
            )}
          </li>
        ))}
      </ul>
    </details>
  );
}
