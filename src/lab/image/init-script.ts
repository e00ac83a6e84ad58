/** Where the image lists its modules in the order of loading. */
export const MODULE_LIST = '/lib/modules/load-order';

/** The agent's place in dom0. */
export const AGENT_PATH = '/dommu/agent.cjs';

/** What /init says on the console when the agent is gone. */
export const AGENT_ENDED = 'dommu-lab: the agent ended';

/** dom0's first and only script: what Xen's tools need, and then the agent. busybox's sh runs it. */
export function initScript(toolDirectory: string): string {
  return `#!/bin/busybox sh
export PATH=/usr/sbin:/usr/bin:${toolDirectory} HOME=/root
/bin/busybox --install -s /usr/bin
mount -t devtmpfs dev /dev
exec </dev/console >/dev/console 2>&1
mount -t proc proc /proc
mount -t sysfs sys /sys
mkdir -p /dev/pts /run/lock /run/xen /var/log/xen/console
mount -t devpts pts /dev/pts
while read -r module; do insmod "$module" || echo "dommu-lab: $module does not load"; done <${MODULE_LIST}
mount -t xenfs xenfs /proc/xen
echo 'dommu-lab: dom0 is up'
xenstored --pid-file=/run/xenstored.pid
xen-init-dom0
xenconsoled --pid-file=/run/xenconsoled.pid
echo 'dommu-lab: the agent starts'
node ${AGENT_PATH}
echo "${AGENT_ENDED} with exit code $?"
while :; do sleep 3600; done
`;
}
