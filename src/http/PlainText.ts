/**
 * Control characters (category Cc), line and paragraph separators, and those that turn the direction of text: what a
 * server says must not steer a terminal.
 */
const controls = /[\p{Cc}\p{Zl}\p{Zp}\u202a-\u202e\u2066-\u2069]/gu

/** Text of a server on one line, as it can be shown to people. */
export const plainText = (text: string): string => text.replace(controls, "\ufffd")
