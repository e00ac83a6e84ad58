#!/usr/bin/env node
import { Command, CommanderError } from 'commander';
import { registerAffected } from './affected.js';
import { registerAudit } from './audit.js';
import { registerBugs } from './bugs.js';
import { registerCheck } from './check.js';
import { registerConform } from './conform.js';
import { registerCoverage } from './coverage.js';
import { registerEditions } from './editions.js';
import { registerExplain } from './explain.js';
import { EXIT } from './io.js';
import { registerLab } from './lab.js';
import { registerLabExec } from './lab-exec.js';
import { registerRun } from './run.js';
import { registerVerify } from './verify.js';
import { version } from './version.js';

const EXAMPLES = `
Examples:
  $ dommu verify examples/guest-pv-nic.cfg
  $ dommu check examples/guest-pv-nic.cfg
  $ dommu run examples/arm-grant-fault.dommu --xen 4.12
  $ dommu affected examples/arm-grant-fault.dommu
  $ xl dmesg | dommu explain

\`dommu help COMMAND\` has more. Exit codes: 0 well, 1 findings, 2 bad input or usage, 3 an error in dommu itself.`;

const program = new Command('dommu')
  .description(
    'how a hypervisor of Xen’s kind gives devices access to memory, as an executable specification',
  )
  .version(version())
  .addHelpText('after', EXAMPLES)
  .showSuggestionAfterError()
  .exitOverride();

registerVerify(program);
registerCheck(program);
registerRun(program);
registerAffected(program);
registerAudit(program);
registerExplain(program);
registerBugs(program);
registerEditions(program);
registerCoverage(program);
registerLabExec(registerLab(program));
registerConform(program);

// A reader that has seen enough (`dommu … | head`) is no error.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code !== 'EPIPE') throw error;
});

try {
  await program.parseAsync();
} catch (error) {
  if (error instanceof CommanderError) {
    // Commander has printed its message; help and version come here too, with exit code 0.
    process.exitCode = error.exitCode === 0 ? EXIT.ok : EXIT.badInput;
    if (error.exitCode !== 0 && process.argv.includes('--json')) {
      const { message } = error;
      const diagnostic = { severity: 'error', code: 'usage', message, file: '', line: 1, column: 1 };
      process.stdout.write(`${JSON.stringify({ diagnostics: [diagnostic] }, null, 2)}\n`);
    }
  } else {
    const message = error instanceof Error ? (error.stack ?? error.message) : String(error);
    process.stderr.write(`dommu: internal error: ${message}\n`);
    process.exitCode = EXIT.internal;
  }
}
