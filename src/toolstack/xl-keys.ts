import { carries, type Release } from './release.js';

/** What a key takes. xl keeps strings and numbers alike, so a `string` key takes any single value. */
export type KeyKind = 'string' | 'integer' | 'boolean' | 'list' | 'string-or-list' | 'boolean-or-list';

export interface XlKey {
  readonly name: string;
  readonly kind: KeyKind;
  /** The release whose xl first read it; absent when 4.11 did. Older ones ignore it without a word. */
  readonly since?: string;
}

export const KIND_IN_WORDS: Readonly<Record<KeyKind, string>> = {
  string: 'a single value such as "text"',
  integer: 'a number',
  boolean: '0 or 1',
  list: 'a list such as ["…"]',
  'string-or-list': 'a string or a list of strings',
  'boolean-or-list': '0, 1 or a list of strings',
};

/** Every key that xl.cfg(5) documents or xl's parser reads, from 4.11 to 4.22 (docs/man/xl.cfg.5, xl_parse.c). */
const NAMES: Readonly<Record<KeyKind, string>> = {
  string: `
    acpi_firmware altp2m arm_sci bios bios_path_override boot bootloader bootloader_user builder cmdline
    device_model device_model_override device_model_stubdomain_seclabel device_model_user device_model_version
    device_tree display extra firmware firmware_override gfx_passthru gic_version hdtype init_seclabel kernel keymap
    ms_vm_genid name nr_spis on_crash on_poweroff on_reboot on_soft_reset on_watchdog passthrough pool pvshim_cmdline
    pvshim_extra pvshim_path ramdisk rdm root seclabel smbios_firmware soundhw spice_image_compression
    spice_streaming_video spicehost spicepasswd stubdomain_cmdline stubdomain_kernel stubdomain_ramdisk sve tee
    timer_mode tsc_mode type uuid vendor_device vga vnclisten vncpasswd vuart xauthority`,
  integer: `
    altp2m_count cap cpu_weight extratime latency max_event_channels max_grant_frames max_grant_version
    max_maptrack_frames maxmem maxvcpus memory mmio_hole period rdm_mem_boundary rtc_timeoffset shadow_memory slice
    spiceport spicetls_port spiceusbredirection stubdomain_memory usbversion vcpus videoram vmtrace_buf_kb vncdisplay
    xenstore_feature_mask`,
  boolean: `
    acpi acpi_laptop_slate acpi_s3 acpi_s4 altp2mhvm apic bootloader_restrict device_model_stubdomain_override
    dm_restrict driver_domain e820_host hap hpet hvm_pirq localtime msr_relaxed nestedhvm nographic nomigrate nx oos
    opengl pae pci_msitranslate pci_permissive pci_power_mgmt pci_seize pvshim sdl spice spice_clipboard_sharing
    spiceagent_mouse spicedisable_ticketing spicevdagent stdvga trap_unmapped_accesses usb vkb_device vnc vncunused
    vncviewer vpmu vpt_align xen_platform_pci xen_platform_pci_bar_uc xend_suspend_evtchn_compat`,
  list: `
    channel device_model_args device_model_args_hvm device_model_args_pv disk dtdev iomem ioports irqs llc_colors
    mca_caps p9 pci pvcalls smbios usbctrl usbdev vdispl vfb vif vif2 virtio vkb vnuma vsnd vtpm xenstore_quota`,
  'string-or-list': 'bootloader_args cpuid cpus cpus_soft serial usbdevice',
  'boolean-or-list': 'viridian',
};

/** Keys younger than 4.11, by the release that brought them. */
const SINCE: Readonly<Record<string, string>> = {
  '4.12': 'vkb vsnd',
  '4.13': 'passthrough tee vkb_device',
  '4.14': 'stubdomain_kernel stubdomain_memory stubdomain_ramdisk xend_suspend_evtchn_compat',
  '4.15': 'msr_relaxed vmtrace_buf_kb',
  '4.16': 'max_grant_version stubdomain_cmdline vpmu',
  '4.18': 'bootloader_restrict bootloader_user smbios sve virtio',
  '4.19': 'hvm_pirq nr_spis',
  '4.20': 'llc_colors',
  '4.21': 'altp2m_count arm_sci trap_unmapped_accesses xen_platform_pci_bar_uc xenstore_feature_mask',
  '4.22': 'xenstore_quota',
};

const words = (text: string): string[] => text.trim().split(/\s+/);

const sinceOf = new Map(
  Object.entries(SINCE).flatMap(([release, names]) => words(names).map((name) => [name, release] as const)),
);

export const XL_KEYS: ReadonlyMap<string, XlKey> = new Map(
  (Object.entries(NAMES) as [KeyKind, string][])
    .flatMap(([kind, names]) =>
      words(names).map((name): XlKey => {
        const since = sinceOf.get(name);
        return since === undefined ? { name, kind } : { name, kind, since };
      }),
    )
    .sort((a, b) => (a.name < b.name ? -1 : 1))
    .map((key) => [key.name, key]),
);

export const XL_KEY_NAMES: readonly string[] = [...XL_KEYS.keys()];

export function isReadBy(key: XlKey, release: Release): boolean {
  return key.since === undefined || carries(release, [key.since]);
}
