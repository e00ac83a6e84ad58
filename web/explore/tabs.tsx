import { type PanelProps, TABS, type Tab } from './panel.js';

/** Tabs by the id of their buttons and of what they open. */
export const tabId = (tab: Tab): string => `tab-${TABS.indexOf(tab)}`;

/** The tabs of the machine: one stop of the tab key, moved among by arrows. */
export function TabList({ session }: PanelProps) {
  const chosen = session.tab.value;
  const move = (event: KeyboardEvent): void => {
    const at = TABS.indexOf(chosen);
    const to = { ArrowLeft: at - 1, ArrowRight: at + 1, Home: 0, End: TABS.length - 1 }[event.key];
    if (to === undefined) return;
    event.preventDefault();
    const tab = TABS[(to + TABS.length) % TABS.length]!;
    session.tab.value = tab;
    document.getElementById(tabId(tab))?.focus();
  };
  return (
    <div class="tabs" role="tablist" aria-label="views of the machine" onKeyDown={move}>
      {TABS.map((tab) => (
        <button
          key={tab}
          id={tabId(tab)}
          type="button"
          role="tab"
          tabIndex={tab === chosen ? 0 : -1}
          aria-selected={tab === chosen}
          aria-controls="tab-body"
          onClick={() => void (session.tab.value = tab)}
        >
          {tab}
        </button>
      ))}
    </div>
  );
}
