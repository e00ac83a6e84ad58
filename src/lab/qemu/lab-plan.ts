import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { runBounded } from '../bounded-process.js';
import { cacheKey } from '../cache.js';
import { requireSpace, requireTools } from '../host-tools.js';
import { buildImage, findImage, imageFiles, type LabImage } from '../image/build.js';
import { agentOverlay } from '../image/overlay.js';
import { DEFAULTS, DOM0_MIB, type LabOptions, shapeOf } from './lab-options.js';
import { hardwareArguments, type MachineShape } from './machine-shape.js';
import { readXen } from './xen-binary.js';

/** Where RAM lies: files there are memory. */
export const SHARED_MEMORY = '/dev/shm';

/** Changes when snapshots of before cannot be restored any more. */
const SNAPSHOT_FORMAT = 1;

const MIB = 2 ** 20;
/** What a lab touches: dom0's memory, Xen, its tables, the domains of a test; and the files of a boot. */
const TOUCHED_BYTES = (DOM0_MIB + 768) * MIB;
const QEMU_SECONDS = 20;

/** Everything that a start needs, checked and at hand. */
export interface LabPlan {
  readonly name: string;
  readonly shape: MachineShape;
  readonly image: LabImage;
  readonly xen: Buffer;
  /** The user's own, where it is. */
  readonly xenPath: string | undefined;
  readonly overlay: Buffer;
  readonly lifetimeSeconds: number;
  readonly bootSeconds: number;
  /** What a snapshot of this lab is found by; undefined when there cannot be one, or none is wanted. */
  readonly snapshotKey: string | undefined;
  /** Whether the lab goes on when this process ends. */
  readonly outlivesUs: boolean;
  readonly progress: (text: string) => void;
}

/** @throws LabError when something is missing, before anything is started. */
export async function planLab(options: LabOptions, name: string, outlivesUs: boolean): Promise<LabPlan> {
  requireTools(['qemu-system-x86_64', 'zstd', 'timeout', 'setpriv']);
  const shape = shapeOf(options);
  const hint = `free some, or in a container give it more (--shm-size)`;
  requireSpace(SHARED_MEMORY, Math.min(TOUCHED_BYTES, shape.memoryMib * MIB), 'a lab', hint);
  const overlay = agentOverlay(options.agent);
  const ownXen = options.xen === undefined ? undefined : readXen(options.xen);
  const progress = options.progress ?? (() => {});
  const release = options.release ?? DEFAULTS.release;
  const image = findImage(release) ?? (await buildImage(release, { progress }));
  const xen = ownXen ?? readFileSync(imageFiles(image.folder).xen);
  const wantsSnapshot = options.cold !== true && canMigrate(shape);
  return {
    name,
    shape,
    image,
    xen,
    xenPath: options.xen,
    overlay,
    lifetimeSeconds: options.lifetimeSeconds ?? DEFAULTS.lifetimeSeconds,
    bootSeconds: options.bootSeconds ?? DEFAULTS.bootSeconds,
    snapshotKey: wantsSnapshot ? await snapshotKey(shape, image, xen, overlay) : undefined,
    outlivesUs,
    progress,
  };
}

/** QEMU cannot save its AMD IOMMU ("unmigratable" in hw/i386/amd_iommu.c). */
function canMigrate({ iommu }: MachineShape): boolean {
  return iommu !== 'amdvi';
}

async function snapshotKey(
  shape: MachineShape,
  image: LabImage,
  xen: Buffer,
  overlay: Buffer,
): Promise<string> {
  const { stdout } = await runBounded('qemu-system-x86_64', ['--version'], QEMU_SECONDS);
  return cacheKey({
    format: SNAPSHOT_FORMAT,
    qemu: stdout,
    hardware: hardwareArguments(shape),
    xenArguments: shape.xenArguments,
    dom0Arguments: shape.dom0Arguments,
    image: image.digest,
    xen: sha256(xen),
    overlay: sha256(overlay),
  });
}

function sha256(bytes: Buffer): string {
  return createHash('sha256').update(bytes).digest('hex');
}
