import open from 'open';

/** Whether there is a screen that a browser could be on. Only X and Wayland say so. */
const hasScreen = ({
  DISPLAY = '',
  WAYLAND_DISPLAY = '',
  WSL_DISTRO_NAME = '',
}: NodeJS.ProcessEnv): boolean =>
  !['linux', 'freebsd', 'openbsd'].includes(process.platform) ||
  DISPLAY !== '' ||
  WAYLAND_DISPLAY !== '' ||
  WSL_DISTRO_NAME !== '';

/**
 * Opens a page in the user's browser, and says whether that could be begun. A machine without a screen or without a browser
 * is no error: whoever calls has told the URL.
 */
export async function openBrowser(url: string): Promise<boolean> {
  if (!hasScreen(process.env)) return false;
  try {
    const opener = await open(url);
    opener.on('error', () => {});
    return true;
  } catch {
    return false;
  }
}
