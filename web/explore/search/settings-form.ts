import {
  type Setting,
  type SettingName,
  VERIFY_SETTINGS,
  type VerifySettings,
} from '../../../src/program/verify-options.js';

/** What has been written into a form of settings, by the setting's name: texts, and switches that are on or off. */
export type Fields = Readonly<Partial<Record<SettingName, string | boolean>>>;

/** What a form says, and what is wrong with it. */
export interface ReadFields {
  readonly said: Partial<VerifySettings>;
  /** What would be right, of those settings that are none as they stand. */
  readonly expected: Partial<Record<SettingName, string>>;
}

/** Reads a form; what is left empty has not been said. */
export function readFields(fields: Fields): ReadFields {
  const said: Record<string, unknown> = {};
  const expected: Partial<Record<SettingName, string>> = {};
  for (const setting of VERIFY_SETTINGS) {
    const { name } = setting;
    const field = fields[name];
    if (field === undefined || field === '' || field === false) continue;
    if ('given' in setting) said[name] = setting.given;
    else if (field === true) continue;
    else if ('words' in setting) said[name] = field;
    else {
      const value = setting.amount.read(field.trim());
      if (value === undefined) expected[name] = setting.amount.expected;
      else said[name] = value;
    }
  }
  return { said: said as Partial<VerifySettings>, expected };
}

/** The same on the command line of `dommu verify`. */
export function flagsOf(fields: Fields): string[] {
  return VERIFY_SETTINGS.flatMap((setting) => {
    const field = fields[setting.name];
    if (field === undefined || field === '' || field === false) return [];
    return field === true ? [setting.flag] : [`${setting.flag} ${quoted(field.trim())}`];
  });
}

const quoted = (text: string): string =>
  /[^\w.,:=+-]/.test(text) ? `'${text.replaceAll("'", "'\\''")}'` : text;

/** What a setting is where nobody says it, for people; with the settings of a bug, what it is for that. */
export function defaultTextOf(setting: Setting, settings: Partial<VerifySettings> = {}): string {
  const own = settings[setting.name];
  if (own !== undefined) return setting.name === 'maxMemory' ? `${Number(own) / 2 ** 20}M` : String(own);
  if ('given' in setting) return '';
  if ('defaultText' in setting && setting.defaultText !== undefined) return setting.defaultText;
  return setting.default === undefined ? 'none' : String(setting.default);
}
