import type { SearchableBug } from '../../../src/explore/search/searchable.js';
import { type Setting, type SettingGroup, VERIFY_SETTINGS } from '../../../src/program/verify-options.js';
import { counted } from '../../../src/text/count.js';
import type { PanelProps } from '../panel.js';
import { useView } from '../session.js';
import { type SearchState, searchOf } from './search-state.js';
import { defaultTextOf, flagsOf, readFields } from './settings-form.js';

const GROUPS: readonly { readonly group: SettingGroup; readonly title: string; readonly hint: string }[] = [
  {
    group: 'tried',
    title: 'What is tried',
    hint: 'Guests, their devices, the backend in dom0 and the toolstack do everything that these allow, in every order.',
  },
  {
    group: 'bounds',
    title: 'How far',
    hint: 'A search that meets one of these is “bounded”: it never says “safe”.',
  },
  {
    group: 'search',
    title: 'How states are told apart',
    hint: 'Seldom of interest: the verdict is the same.',
  },
];

/** What is to be searched, within which bounds, and the buttons that begin and end it. */
export function SearchForm({ session }: PanelProps) {
  const state = searchOf(session);
  const bugs = useView(session, 'searchable', undefined).value ?? [];
  const bug = bugs.find(({ id }) => id === state.bug.value);
  const { said, expected } = readFields(state.fields.value);
  const wrong = Object.keys(expected).length > 0;
  const isRunning = state.isRunning.value;
  const begin = (event: Event) => {
    event.preventDefault();
    const { source } = session;
    if (wrong || isRunning || source === undefined) return;
    const step = state.fromStep.value ? { step: session.step.value } : {};
    state.start({ source, ...step, settings: said, ...(bug !== undefined && { bug: bug.id }) });
  };
  return (
    <form class="search-form" onSubmit={begin}>
      <BeginsAt session={session} state={state} />
      {bugs.length > 0 && <WithinBounds state={state} bugs={bugs} />}
      {GROUPS.map(({ group, title, hint }) => (
        <Group key={group} group={group} title={title} hint={hint} state={state} bug={bug} />
      ))}
      <div class="toolbar">
        <button type="submit" class="primary" disabled={isRunning || wrong}>
          {bug === undefined ? 'Search' : `Search for ${bug.id}`}
        </button>
        <button type="button" disabled={!isRunning || state.isStopping.value} onClick={() => state.stop()}>
          Stop
        </button>
        {wrong && <span class="bad">✗ a setting cannot be read</span>}
      </div>
      <CommandLine session={session} state={state} bug={bug} />
    </form>
  );
}

/** From where: the search goes on from a state that a program leads to. */
function BeginsAt({ session, state }: PanelProps & { readonly state: SearchState }) {
  const { fromStep } = state;
  const step = session.step.value;
  return (
    <fieldset>
      <legend>Search from</legend>
      <label>
        <input
          type="radio"
          name="search-from"
          checked={!fromStep.value}
          onChange={() => void (fromStep.value = false)}
        />
        the program’s end (step {session.opened.value?.length})
      </label>
      <label>
        <input
          type="radio"
          name="search-from"
          checked={fromStep.value}
          onChange={() => void (fromStep.value = true)}
        />
        the step shown ({step})
      </label>
    </fieldset>
  );
}

function WithinBounds({
  state,
  bugs,
}: {
  readonly state: SearchState;
  readonly bugs: readonly SearchableBug[];
}) {
  const chosen = state.bug.value;
  return (
    <fieldset>
      <legend>Within the bounds of</legend>
      <label>
        <input
          type="radio"
          name="search-bug"
          checked={!bugs.some(({ id }) => id === chosen)}
          onChange={() => void (state.bug.value = undefined)}
        />
        any search
      </label>
      {bugs.map(({ id, title, invariants, dear, bounds }) => (
        <label key={id}>
          <input
            type="radio"
            name="search-bug"
            checked={id === chosen}
            onChange={() => void (state.bug.value = id)}
          />
          <span>
            the search for the bug <strong>{id}</strong>: {title}.{' '}
            {`It breaks ${invariants.join(', ')}${dear.length > 0 ? ` (${dear.join(', ')}: looked at for this bug only, as it costs much)` : ''}; within ${bounds}`}
          </span>
        </label>
      ))}
    </fieldset>
  );
}

function Group({
  group,
  title,
  hint,
  state,
  bug,
}: {
  readonly group: SettingGroup;
  readonly title: string;
  readonly hint: string;
  readonly state: SearchState;
  readonly bug: SearchableBug | undefined;
}) {
  const settings = VERIFY_SETTINGS.filter((setting) => setting.group === group);
  const fields = state.fields.value;
  const said = settings.filter(
    ({ name }) => fields[name] !== undefined && !['', false].includes(fields[name]),
  );
  return (
    <details>
      <summary>
        {title}{' '}
        <span class="dim">
          {said.length === 0
            ? `(as ${bug === undefined ? 'usual' : `for ${bug.id}`})`
            : `(${counted(said.length, 'setting')})`}
        </span>
      </summary>
      <p class="hint">{hint}</p>
      <div class="settings">
        {settings.map((setting) => (
          <Field key={setting.name} setting={setting} state={state} bug={bug} />
        ))}
      </div>
    </details>
  );
}

function Field({
  setting,
  state,
  bug,
}: {
  readonly setting: Setting;
  readonly state: SearchState;
  readonly bug: SearchableBug | undefined;
}) {
  const { name, flag, text } = setting;
  const field = state.fields.value[name];
  const write = (value: string | boolean) =>
    void (state.fields.value = { ...state.fields.value, [name]: value });
  const expected = readFields(state.fields.value).expected[name];
  const id = `setting-${name}`;
  const label = (
    <label for={id}>
      {text} <code class="dim">{'value' in setting ? `${flag} <${setting.value}>` : flag}</code>
    </label>
  );
  if ('given' in setting) {
    const ofBug = bug?.settings[name] === setting.given;
    return (
      <div class="setting">
        <input
          type="checkbox"
          id={id}
          checked={ofBug || field === true}
          disabled={ofBug}
          onChange={({ currentTarget }) => write(currentTarget.checked)}
        />
        {label}
      </div>
    );
  }
  if ('words' in setting) {
    return (
      <div class="setting">
        <select
          id={id}
          value={typeof field === 'string' && field !== '' ? field : setting.default}
          onChange={({ currentTarget }) =>
            write(currentTarget.value === setting.default ? '' : currentTarget.value)
          }
        >
          {setting.words.map((word) => (
            <option key={word}>{word}</option>
          ))}
        </select>
        {label}
      </div>
    );
  }
  return (
    <div class="setting">
      <input
        type="text"
        id={id}
        size={9}
        spellcheck={false}
        autocomplete="off"
        value={typeof field === 'string' ? field : ''}
        placeholder={defaultTextOf(setting, bug?.settings)}
        aria-invalid={expected !== undefined}
        aria-describedby={expected === undefined ? undefined : `${id}-problem`}
        onInput={({ currentTarget }) => write(currentTarget.value)}
      />
      {label}
      {expected !== undefined && (
        <span class="bad" id={`${id}-problem`}>
          ✗ expected {expected}
        </span>
      )}
    </div>
  );
}

/** How the same search is asked for in a shell. */
function CommandLine({
  session,
  state,
  bug,
}: PanelProps & { readonly state: SearchState; readonly bug: SearchableBug | undefined }) {
  const { source, opened } = session;
  if (source === undefined || opened.value === undefined || state.fromStep.value || bug !== undefined)
    return null;
  const edition = source.edition === undefined ? [] : [`--xen ${source.edition}`];
  return (
    <p class="dim">
      The same in a shell, of a file with this program:{' '}
      <code>{['dommu verify', source.name, ...edition, ...flagsOf(state.fields.value)].join(' ')}</code>
    </p>
  );
}
