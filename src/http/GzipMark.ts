/** Whether a body that begins like this is packed; its first byte may come by itself, and begins no text. */
export const beginsGzip = (bytes: Uint8Array): boolean => bytes[0] === 0x1f && (bytes[1] ?? 0x8b) === 0x8b
