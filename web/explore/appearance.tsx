import { effect, signal } from '@preact/signals';

/** How the page looks to this reader: colours and letters, remembered for the next time where the browser allows it. */

const THEMES = ['system', 'light', 'dark'] as const;
type Theme = (typeof THEMES)[number];

const SIGNS: Readonly<Record<Theme, string>> = { system: '◐', light: '○', dark: '●' };

const remembered = (key: string): string | null => {
  try {
    return localStorage.getItem(key);
  } catch {
    // A file may have no storage.
    return null;
  }
};

function remember(key: string, value: string): void {
  try {
    localStorage.setItem(key, value);
  } catch {
    // Then it is as it was for this visit only.
  }
}

const theme = signal<Theme>(THEMES.find((one) => one === remembered('dommu-explore-theme')) ?? 'system');
const large = signal(remembered('dommu-explore-size') === 'large');

// Before anything is drawn, and at once when it is changed.
effect(() => {
  const { dataset } = document.documentElement;
  if (theme.value === 'system') delete dataset.theme;
  else dataset.theme = theme.value;
  remember('dommu-explore-theme', theme.value);
});
effect(() => {
  const { dataset } = document.documentElement;
  if (large.value) dataset.size = 'large';
  else delete dataset.size;
  remember('dommu-explore-size', large.value ? 'large' : 'normal');
});

/** The choice of both, in the page's header. */
export function Appearance() {
  const [now, isLarge] = [theme.value, large.value];
  const next = THEMES[(THEMES.indexOf(now) + 1) % THEMES.length]!;
  return (
    <span class="group">
      <button
        type="button"
        title={`colours: ${now}; click for ${next}`}
        onClick={() => void (theme.value = next)}
      >
        <span aria-hidden="true">{SIGNS[now]}</span> {now}
        <span class="visually-hidden"> colours</span>
      </button>
      <button
        type="button"
        aria-pressed={isLarge}
        title="large letters, for a projector"
        onClick={() => void (large.value = !isLarge)}
      >
        Large
      </button>
    </span>
  );
}
