import { readTextFile } from '../text/read-file.js';
import type { Edition } from '../xen/editions/edition.js';
import { type ConfigHost, type ResolvedConfig, resolveConfig } from './config-domain.js';

/**
 * Reads an xl config from a file, as {@link resolveConfig} takes it.
 * @throws InputError also when the file cannot be read.
 */
export function loadConfig(path: string, machine: ConfigHost, edition: Edition): ResolvedConfig {
  return resolveConfig(readTextFile(path, 'an xl config'), machine, edition);
}
