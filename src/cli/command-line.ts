import { Command, CommanderError } from 'commander';
import { EXIT, type Io, standardIo } from './io.js';
import { version } from './version.js';

const EXAMPLES = `
Examples:
  $ dommu verify examples/guest-pv-nic.cfg
  $ dommu check examples/guest-pv-nic.cfg
  $ dommu run examples/arm-grant-fault.dommu --xen 4.12
  $ dommu explore examples/arm-grant-fault.dommu --xen 4.12
  $ dommu affected examples/arm-grant-fault.dommu
  $ xl dmesg | dommu explain

\`dommu help COMMAND\` has more. Exit codes: 0 well, 1 findings, 2 bad input or usage, 3 an error in dommu itself.`;

/** The commands in the order of the help, each loaded when it is asked for: together they are most of dommu. */
const COMMANDS: Readonly<Record<string, () => Promise<(program: Command, io: Io) => void>>> = {
  verify: async () => (await import('./verify.js')).registerVerify,
  check: async () => (await import('./check.js')).registerCheck,
  run: async () => (await import('./run.js')).registerRun,
  explore: async () => (await import('./explore.js')).registerExplore,
  affected: async () => (await import('./affected.js')).registerAffected,
  audit: async () => (await import('./audit.js')).registerAudit,
  explain: async () => (await import('./explain.js')).registerExplain,
  bugs: async () => (await import('./bugs.js')).registerBugs,
  editions: async () => (await import('./editions.js')).registerEditions,
  coverage: async () => (await import('./coverage.js')).registerCoverage,
  lab: async () => {
    const [{ registerLab }, { registerLabExec }] = [await import('./lab.js'), await import('./lab-exec.js')];
    return (program, io) => registerLabExec(registerLab(program, io), io);
  },
  conform: async () => (await import('./conform.js')).registerConform,
};

/** Performs what stands after `dommu` on a command line: prints to `io`, and sets the process's exit code. */
export async function performCommandLine(args: readonly string[], io: Io = standardIo()): Promise<void> {
  const print = (line: (text: string) => void) => (text: string) => line(text.replace(/\n$/, ''));
  const program = new Command('dommu')
    .description(
      'how a hypervisor of Xen’s kind gives devices access to memory, as an executable specification',
    )
    .version(version())
    .addHelpText('after', EXAMPLES)
    .showSuggestionAfterError()
    .configureOutput({ writeOut: print(io.out), writeErr: print(io.err) })
    .exitOverride();
  const asked = args[0] ?? '';
  const names = Object.hasOwn(COMMANDS, asked) ? [asked] : asked === '--version' ? [] : Object.keys(COMMANDS);
  for (const name of names) (await COMMANDS[name]!())(program, io);
  try {
    await program.parseAsync(args, { from: 'user' });
  } catch (error) {
    if (error instanceof CommanderError) {
      // Commander has printed its message; help and version come here too, with exit code 0.
      process.exitCode = error.exitCode === 0 ? EXIT.ok : EXIT.badInput;
      if (error.exitCode !== 0 && args.includes('--json')) {
        const { message } = error;
        const diagnostic = { severity: 'error', code: 'usage', message, file: '', line: 1, column: 1 };
        io.out(JSON.stringify({ diagnostics: [diagnostic] }, null, 2));
      }
    } else {
      const message = error instanceof Error ? (error.stack ?? error.message) : String(error);
      io.err(`dommu: internal error: ${message}`);
      process.exitCode = EXIT.internal;
    }
  }
}
