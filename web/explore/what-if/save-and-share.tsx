import { useState } from 'preact/hooks';
import type { PanelProps } from '../panel.js';
import { pageData } from '../parts.js';
import { linkTo } from './address.js';
import { fileName, withEdition } from './edition-line.js';
import { BadLink } from './link.js';
import { WhatIf } from './state.js';

/** Keeps the program as a file that the command line runs, or as a link. */
export function SaveAndShare({ session }: PanelProps) {
  const whatIf = WhatIf.of(session);
  const [link, setLink] = useState<string | undefined>(undefined);
  const [told, setTold] = useState('');
  const opened = session.opened.value;
  const configs = Object.keys(session.source?.configs ?? {});
  const share = async (): Promise<void> => {
    try {
      const address = await linkTo(session, pageData());
      setLink(address);
      setTold(await copied(address));
    } catch (error) {
      if (!(error instanceof BadLink)) throw error;
      setLink(undefined);
      setTold(`No link: ${error.message}.`);
    }
  };
  return (
    <div class="share">
      <div class="toolbar">
        {session.editable && (
          <button type="button" onClick={() => save(whatIf)}>
            Save as {fileName(opened?.name ?? '')}
          </button>
        )}
        <button type="button" disabled={opened === undefined} onClick={() => void share()}>
          Copy link
        </button>
        <span role="status">{told}</span>
      </div>
      {session.editable && configs.length > 0 && (
        <p class="dim">
          The program takes domains from {configs.join(', ')}: keep the file where it finds{' '}
          {configs.length === 1 ? 'it' : 'them'}.
        </p>
      )}
      {link !== undefined && (
        <label class="toolbar">
          link{' '}
          <input class="mono" readOnly value={link} onFocus={({ currentTarget }) => currentTarget.select()} />
        </label>
      )}
    </div>
  );
}

async function copied(address: string): Promise<string> {
  const holds = 'It holds the program, its configs, the Xen and the step.';
  try {
    await navigator.clipboard.writeText(address);
    return `Copied. ${holds}`;
  } catch {
    return `${holds} This browser does not let the page copy it: it stands below.`;
  }
}

/** Gives the editor's text to the browser as a file; it says the edition where that is not the program's own. */
function save({ session, editor }: WhatIf): void {
  const { source, opened } = session;
  if (source === undefined) return;
  const text = editor.peek()?.text ?? source.text;
  const chosen = source.edition === undefined ? undefined : opened.value?.edition;
  const file = new Blob([chosen === undefined ? text : withEdition(text, chosen)], { type: 'text/plain' });
  const anchor = document.createElement('a');
  anchor.href = URL.createObjectURL(file);
  anchor.download = fileName(source.name);
  anchor.click();
  setTimeout(() => URL.revokeObjectURL(anchor.href), 60_000);
}
