import { parseAst } from 'rolldown/parseAst';

/** One thing done wrong in a source file. */
export interface Mutant {
  readonly file: string;
  readonly line: number;
  /** What was done: `negated condition`. */
  readonly kind: string;
  readonly from: string;
  readonly to: string;
  /** Where in the text, and what stands there instead. */
  readonly start: number;
  readonly end: number;
}

interface Node {
  readonly type: string;
  readonly start: number;
  readonly end: number;
  readonly [field: string]: unknown;
}

/** A wrong operator for a right one: boundaries, equality, signs, bits. */
const OPERATORS: Readonly<Record<string, string>> = {
  '<': '<=',
  '<=': '<',
  '>': '>=',
  '>=': '>',
  '===': '!==',
  '!==': '===',
  '+': '-',
  '-': '+',
  '&': '|',
  '|': '&',
  '&&': '||',
  '||': '&&',
};

const NUMBERS: Readonly<Record<string, string>> = {
  '0': '1',
  '1': '0',
  '-1': '1',
  true: 'false',
  false: 'true',
};

/** Parts of a program that decide nothing: types, and the texts of messages. */
const SKIPPED = /^(TS|Import|ExportAll|TemplateLiteral)/;

/**
 * The mutants of a TypeScript file: what people get wrong. A condition the wrong way round, a boundary off by one, a call
 * forgotten, two statements in the wrong order, a constant for another.
 */
export function mutantsOf(file: string, text: string): Mutant[] {
  const mutants: Mutant[] = [];
  const lineOf = (at: number) => text.slice(0, at).split('\n').length;
  const add = (kind: string, start: number, end: number, to: string) =>
    mutants.push({ file, line: lineOf(start), kind, from: text.slice(start, end), to, start, end });
  const source = (node: Node) => text.slice(node.start, node.end);

  const visit = (node: Node): void => {
    if (SKIPPED.test(node.type)) return;
    mutate(node);
    for (const child of Object.values(node)) {
      if (Array.isArray(child)) child.filter(isNode).forEach(visit);
      else if (isNode(child)) visit(child);
    }
  };

  const mutate = (node: Node): void => {
    const statements = node.type === 'BlockStatement' ? (node.body as readonly Node[]) : [];
    for (const [n, statement] of statements.entries()) forgetOrSwap(statement, statements[n + 1]);
    const test = node.test as Node | undefined | null;
    if ((node.type === 'IfStatement' || node.type === 'ConditionalExpression') && test)
      add('condition the wrong way round', test.start, test.end, `!(${source(test)})`);
    if (node.type === 'BinaryExpression' || node.type === 'LogicalExpression') wrongOperator(node);
    if (node.type === 'Literal' && Object.hasOwn(NUMBERS, source(node)))
      add('another constant', node.start, node.end, NUMBERS[source(node)]!);
  };

  const wrongOperator = (node: Node): void => {
    const operator = node.operator as string;
    const wrong = OPERATORS[operator];
    if (wrong === undefined) return;
    const [left, right] = [node.left as Node, node.right as Node];
    const at = text.indexOf(operator, left.end);
    if (at < 0 || at >= right.start) return;
    add(`${wrong} for ${operator}`, at, at + operator.length, wrong);
  };

  const forgetOrSwap = (statement: Node, next: Node | undefined): void => {
    if (statement.type !== 'ExpressionStatement') return;
    add('statement forgotten', statement.start, statement.end, ';');
    if (next?.type !== 'ExpressionStatement') return;
    add('statements in the wrong order', statement.start, next.end, `${source(next)} ${source(statement)}`);
  };

  visit(parseAst(text, { lang: 'ts' }) as unknown as Node);
  return mutants;
}

const isNode = (value: unknown): value is Node => typeof (value as Node | null)?.type === 'string';

/** The text with the mutant in place. */
export function mutated(text: string, { start, end, to }: Mutant): string {
  return text.slice(0, start) + to + text.slice(end);
}
