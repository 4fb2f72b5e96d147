/** The file capabilities that a layer can carry. */

/** Linux, include/uapi/linux/capability.h */
const NUMBERS = { cap_net_bind_service: 10 } as const;

export type FileCapability = keyof typeof NUMBERS;

// VFS_CAP_REVISION_2 | VFS_CAP_FLAGS_EFFECTIVE, of the same file: two words each of permitted and inheritable.
const MAGIC = 0x0200_0001;

/** The PAX record of `setcap <capability>=+ep`, as Go's archive/tar and GNU tar with `--xattrs` read it. */
export function capabilityRecord(capability: FileCapability): Readonly<Record<string, string>> {
  const value = Buffer.alloc(20);
  value.writeUInt32LE(MAGIC, 0);
  value.writeUInt32LE(1 << NUMBERS[capability], 4);
  // Every byte is below 0x80, and so the same in UTF-8.
  return { 'SCHILY.xattr.security.capability': value.toString('latin1') };
}
