/** What libxl returns: libxl_types.idl of 4.6 to 4.22, which only ever added numbers. */
export const LIBXL_ERRORS: Readonly<Record<number, { readonly name: string; readonly meaning: string }>> = {
  [-1]: {
    name: 'ERROR_NONSPECIFIC',
    meaning: 'it failed, and only the lines before say why; often a plain -1 of a system call',
  },
  [-2]: { name: 'ERROR_VERSION', meaning: 'program and library are of different versions' },
  [-3]: { name: 'ERROR_FAIL', meaning: 'it failed, and only the lines before say why' },
  [-4]: { name: 'ERROR_NI', meaning: 'not implemented' },
  [-5]: { name: 'ERROR_NOMEM', meaning: 'no memory left' },
  [-6]: { name: 'ERROR_INVAL', meaning: 'the configuration or a value in it makes no sense' },
  [-7]: { name: 'ERROR_BADFAIL', meaning: 'it failed, and so did putting things back' },
  [-8]: { name: 'ERROR_GUEST_TIMEDOUT', meaning: 'the guest did not answer in time' },
  [-9]: { name: 'ERROR_TIMEDOUT', meaning: 'something did not answer in time' },
  [-10]: { name: 'ERROR_NOPARAVIRT', meaning: 'the guest has no paravirtual drivers for it' },
  [-11]: { name: 'ERROR_NOT_READY', meaning: 'not ready yet' },
  [-12]: { name: 'ERROR_OSEVENT_REG_FAIL', meaning: 'the program could not register an event' },
  [-13]: { name: 'ERROR_BUFFERFULL', meaning: 'a buffer is full' },
  [-14]: { name: 'ERROR_UNKNOWN_CHILD', meaning: 'an unknown child process ended' },
  [-15]: { name: 'ERROR_LOCK_FAIL', meaning: 'a lock could not be taken' },
  [-16]: { name: 'ERROR_JSON_CONFIG_EMPTY', meaning: 'the domain has no stored configuration' },
  [-17]: { name: 'ERROR_DEVICE_EXISTS', meaning: 'the domain has that device already' },
  [-18]: {
    name: 'ERROR_CHECKPOINT_DEVOPS_DOES_NOT_MATCH',
    meaning: 'checkpointing knows no such kind of device (named ERROR_REMUS_DEVOPS_DOES_NOT_MATCH in 4.6)',
  },
  [-19]: {
    name: 'ERROR_CHECKPOINT_DEVICE_NOT_SUPPORTED',
    meaning: 'the device cannot be checkpointed (named ERROR_REMUS_DEVICE_NOT_SUPPORTED in 4.6)',
  },
  [-20]: { name: 'ERROR_VNUMA_CONFIG_INVALID', meaning: 'the virtual NUMA configuration makes no sense' },
  [-21]: { name: 'ERROR_DOMAIN_NOTFOUND', meaning: 'there is no such domain' },
  [-22]: { name: 'ERROR_ABORTED', meaning: 'it was called off' },
  [-23]: { name: 'ERROR_NOTFOUND', meaning: 'there is no such thing' },
  [-24]: { name: 'ERROR_DOMAIN_DESTROYED', meaning: 'the domain was destroyed meanwhile' },
  [-25]: { name: 'ERROR_FEATURE_REMOVED', meaning: 'the feature does not exist any more' },
  [-26]: { name: 'ERROR_PROTOCOL_ERROR_QMP', meaning: 'QEMU’s answer could not be understood' },
  [-27]: { name: 'ERROR_UNKNOWN_QMP_ERROR', meaning: 'QEMU answered with an unknown kind of error' },
  [-28]: { name: 'ERROR_QMP_GENERIC_ERROR', meaning: 'QEMU refused; its log or the line before says why' },
  [-29]: { name: 'ERROR_QMP_COMMAND_NOT_FOUND', meaning: 'QEMU knows no such command' },
  [-30]: { name: 'ERROR_QMP_DEVICE_NOT_ACTIVE', meaning: 'a device of QEMU has not become active' },
  [-31]: { name: 'ERROR_QMP_DEVICE_NOT_FOUND', meaning: 'QEMU has no such device' },
  [-32]: { name: 'ERROR_QEMU_API', meaning: 'QEMU’s answer lacks what libxl expects' },
};

/** `ERROR_FAIL (-3): it failed, …`; the bare number where libxl has no such error. */
export function libxlErrorInWords(rc: number): string {
  const known = LIBXL_ERRORS[rc];
  return known === undefined ? `rc ${rc}` : `${known.name} (${rc}): ${known.meaning}`;
}
