/** The device behind a network interface. */
import { type FileReader, localFiles } from '../../base/process/files.js';

/**
 * Folder of an interface in sysfs, where a device is behind it; null where there is none. sysfs shows the
 * interfaces of the namespace that it was mounted in, so one of the same name and another hardware address
 * is another's: behind `nsenter --net` a veth called eth0 has nothing of the machine's card.
 * @param address hardware address, as the kernel has it for this process, in lower case
 */
export function cardFolder(
  name: string,
  address: string,
  files: FileReader = localFiles,
): string | null {
  const folder = `/sys/class/net/${name}`;
  if (files.text(`${folder}/address`) !== address.toLowerCase()) return null;
  return files.list(`${folder}/device`).length > 0 ? folder : null;
}
