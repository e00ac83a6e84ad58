import { DECLARATIONS, type Shape } from './declarations.js';
import { EXPECTATIONS } from './expectations.js';
import { OPERATIONS, type Operation, usage } from './operations.js';
import { programJsonSchema } from './schema.js';

/** The parts of docs/program.md that are written from the tables of the language, and the published schema. */

const ACTORS: Readonly<Record<Operation['actor'], string>> = {
  toolstack: 'What the toolstack does',
  guest: 'What guests do',
  device: 'What devices do',
  program: 'What only programs do',
};

/** `- MODE, relaxed or strict: …`, one line a parameter. */
function parameterLines({ parameters }: Shape): string[] {
  return parameters.map(({ name, kind, doc, keyed, words = [] }) => {
    const choices = words.map((word) => `\`${word}\``).join(', ');
    if (kind === 'flags') return `- ${choices}: ${doc}`;
    return `- \`${keyed ? `${name}=` : name.toUpperCase()}\`${choices && ` (${choices})`}: ${doc}`;
  });
}

function declarationReference(): string {
  return DECLARATIONS.flatMap((declaration) => [
    `### ${declaration.name}`,
    '',
    `    ${usage(declaration)}`,
    '',
    `${declaration.doc} ${declaration.repeats ? 'May stand more than once. ' : ''}As in \`${declaration.example}\`.`,
    '',
    ...parameterLines(declaration),
    '',
  ]).join('\n');
}

function operationReference(): string {
  const groups = Object.entries(ACTORS).map(([actor, title]) => {
    const operations = OPERATIONS.filter((operation) => operation.actor === actor);
    return [`### ${title}`, '', ...operations.flatMap(operationLines)].join('\n');
  });
  return groups.join('\n');
}

function operationLines(operation: Operation): string[] {
  return [
    `#### ${operation.name}`,
    '',
    `    ${usage(operation)}`,
    '',
    `${operation.doc} (${operation.source})`,
    '',
    ...parameterLines(operation),
    '',
  ];
}

function expectationReference(): string {
  const status = '- `expect STATUS`: The operation answers with this status: any words, or a text in quotes.';
  return `${[status, ...EXPECTATIONS.map(({ usage, doc }) => `- \`${usage}\`: ${doc}`)].join('\n')}\n`;
}

const PARTS: Readonly<Record<string, () => string>> = {
  declarations: declarationReference,
  operations: operationReference,
  expectations: expectationReference,
};

/** docs/program.md with its written parts as the tables have them now. */
export function withReference(document: string): string {
  return document.replace(
    /(<!-- (\w+): written by scripts\/write-schema\.ts -->\n)[\s\S]*?(<!-- end of \2 -->)/g,
    (whole, start: string, part: string, end: string) => {
      const text = PARTS[part]?.();
      return text === undefined ? whole : `${start}\n${text.trimEnd()}\n\n${end}`;
    },
  );
}

/** The text of docs/program.schema.json. */
export function schemaFile(): string {
  return `${JSON.stringify(programJsonSchema(), null, 2)}\n`;
}
