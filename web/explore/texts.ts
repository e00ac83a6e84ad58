/** The text of an element of the page. */
export const textOf = (id: string): string | undefined =>
  document.getElementById(id)?.textContent ?? undefined;

/** A script as something that workers can be started from. */
export const scriptUrl = (script: string): string =>
  URL.createObjectURL(new Blob([script], { type: 'text/javascript' }));
