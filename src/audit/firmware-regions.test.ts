import { describe, expect, it } from 'vitest';
import { DMAR_HEADER, DMAR_STRUCTURES, DmarType, parseDmar, ScopeType } from '../formats/acpi/dmar.js';
import { IVRS_BLOCKS, IVRS_HEADER, IvrsType, parseIvrs } from '../formats/acpi/ivrs.js';
import { scopeBytes, structureBytes, tableBytes } from '../formats/acpi/tables.fixture.js';
import { regionsOfTable } from './firmware-regions.js';

const rmrr = (base: bigint, limit: bigint, path: readonly (readonly [number, number])[]) =>
  structureBytes(DMAR_STRUCTURES[DmarType.RMRR]!, { type: 1, base, limit }, [
    scopeBytes(ScopeType.ENDPOINT, 0, path),
  ]);
const ivmd = (type: number, values: Record<string, number | bigint>) =>
  structureBytes(IVRS_BLOCKS.get(type)!, { type, ...values });

describe('the regions that firmware reserves', () => {
  it('are RMRRs of devices that have a name, and that make sense', () => {
    const table = parseDmar(
      tableBytes('DMAR', DMAR_HEADER, { hostAddressWidth: 38 }, [
        rmrr(0x7b800000n, 0x7fffffffn, [[2, 0]]),
        rmrr(0x1000n, 0xfffn, [[2, 0]]),
        rmrr(0x1000n, 0x1fffn, [
          [0x1c, 0],
          [0, 0],
        ]),
      ]),
    );
    expect(regionsOfTable(table)).toEqual([
      { name: 'RMRR', start: 0x7b800000, end: 0x80000000, devices: ['0000:00:02.0'], rights: 3 },
    ]);
  });

  it('are IVMDs that ask for unity mappings, for one device, a range, or all', () => {
    const memory = { start: 0x1000n, memoryLength: 0x2000n };
    const table = parseIvrs(
      tableBytes('IVRS', IVRS_HEADER, {}, [
        ivmd(IvrsType.IVMD_ONE, { flags: 0b111, deviceId: 0x10, ...memory }),
        ivmd(IvrsType.IVMD_RANGE, { flags: 0b011, deviceId: 0x10, aux: 0x11, ...memory }),
        ivmd(IvrsType.IVMD_ALL, { flags: 0b101, ...memory }),
        ivmd(IvrsType.IVMD_ALL, { flags: 0b1000, ...memory }),
      ]),
    );
    expect(regionsOfTable(table).map(({ devices, rights }) => [devices, rights])).toEqual([
      [['0000:00:02.0'], 3],
      [['0000:00:02.0', '0000:00:02.1'], 1],
      [[], 2],
    ]);
  });
});
