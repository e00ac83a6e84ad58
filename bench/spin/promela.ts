/**
 * The model of examples/other-model in Promela: one `d_step` a rule, so that states and transitions must come out the same.
 * `waiting` and `page` of a CPU are `pc` and `arg`, `arg` 0 for none.
 * @param pages pages of memory.
 * @param assertions whether each step asserts the properties.
 */
export function promela(pages: number, assertions: boolean): string {
  const each = Array.from({ length: pages }, (_, p) => p);
  const broken = each.flatMap((p) => [
    `(tlb[${p}]!=2 || typ[${p}]!=2 || tc[${p}]==0 || pend)`,
    `(tlb[${p}]==0 || own[${p}]!=0)`,
  ]);
  const check = assertions ? `; assert(${broken.join(' && ')})` : '';
  const step = (guard: string, effect: string) => `  :: d_step { ${guard} -> ${effect}${check} }`;
  const forget = each.map((p) => `tlb[${p}]=0`).join('; ');

  const ofPage = (d: number, p: number): string[] => {
    const [mine, theirs] = [`iom${d}[${p}]`, `iom${1 - d}[${p}]`];
    const idle = `pc[${d}]==0`;
    const free = `arg[0]!=${p + 1} && arg[1]!=${p + 1}`;
    const owned = `${idle} && own[${p}]==${d + 1} && ${free}`;
    const others = `${idle} && own[${p}]==${2 - d} && ${free}`;
    const writable = `(typ[${p}]==1 || tc[${p}]==0) && tc[${p}]<2`;
    const wait = (what: number) => `pend=1; pc[${d}]=${what}; arg[${d}]=${p + 1}`;
    return [
      step(`${idle} && own[${p}]==0`, `own[${p}]=${d + 1}; ${mine}=2`),
      step(`${owned} && ${writable}`, `typ[${p}]=1; ${mine}=2; tc[${p}]=tc[${p}]+1`),
      step(`${owned} && typ[${p}]==1 && tc[${p}]>(gm[${p}]*(gt[${p}]/2))`, `tc[${p}]=tc[${p}]-1`),
      step(`${owned} && tc[${p}]==0`, `typ[${p}]=2; tc[${p}]=1; ${mine}=0; ${wait(1)}`),
      step(`${owned} && typ[${p}]==2 && tc[${p}]==1`, `tc[${p}]=0`),
      step(`${owned} && tc[${p}]==0 && gt[${p}]==0`, `${mine}=0; ${wait(2)}`),
      step(`${owned} && gt[${p}]==0`, `gt[${p}]=1`),
      step(`${owned} && gt[${p}]==0`, `gt[${p}]=2`),
      step(`${owned} && gt[${p}]!=0 && gm[${p}]==0`, `gt[${p}]=0`),
      step(`${others} && gt[${p}]==1 && gm[${p}]==0`, `gm[${p}]=1; ${mine}=1`),
      step(
        `${others} && gt[${p}]==2 && gm[${p}]==0 && ${writable}`,
        `gm[${p}]=1; ${mine}=2; typ[${p}]=1; ${theirs}=2; tc[${p}]=tc[${p}]+1`,
      ),
      step(`${others} && gm[${p}]==1`, `${mine}=0; ${wait(3)}`),
    ];
  };

  const goOn = (d: number): string[] => {
    const done = `pc[${d}]=0; arg[${d}]=0`;
    const at = `arg[${d}]-1`;
    return [
      step(`pc[${d}]==1 && pend==0`, done),
      step(`pc[${d}]==2 && pend==0`, `own[${at}]=0; typ[${at}]=0; ${done}`),
      step(
        `pc[${d}]==3 && pend==0`,
        `gm[${at}]=0; if :: gt[${at}]==2 -> tc[${at}]=tc[${at}]-1 :: else fi; ${done}`,
      ),
    ];
  };

  const device = [
    ...[0, 1].map((d) => step('dev==0', `dev=${d + 1}`)),
    step('dev!=0', `dev=0; ${forget}`),
    step('pend==1', `pend=0; ${forget}`),
    ...each.flatMap((p) =>
      [0, 1].map((d) => step(`dev==${d + 1} && tlb[${p}]==0 && iom${d}[${p}]!=0`, `tlb[${p}]=iom${d}[${p}]`)),
    ),
  ];
  const process = (name: string, steps: readonly string[]) =>
    `active proctype ${name}() { do\n${steps.join('\n')}\nod }`;
  return [
    `byte own[${pages}], typ[${pages}], tc[${pages}], gt[${pages}], gm[${pages}], tlb[${pages}];`,
    `byte iom0[${pages}], iom1[${pages}];`,
    'byte dev, pend; byte pc[2], arg[2];',
    ...[0, 1].map((d) => process(`V${d}`, [...each.flatMap((p) => ofPage(d, p)), ...goOn(d)])),
    process('Dev', device),
    '',
  ].join('\n');
}
