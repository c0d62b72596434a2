/**
 * What looks like a key: PostHog's tokens by their prefix, and anything else that long with a digit or a capital in it
 * that is no id and no path.
 */
const secrets = [
  /\bph[a-z]_\w+/gi,
  /(?<![\w/.-])(?![\da-fA-F]{8}(?:-[\da-fA-F]{4}){3}-[\da-fA-F]{12}\b)(?=[\w-]*[\dA-Z])[\w-]{30,}(?![\w/.-])/g
]

/** A text that quotes settings, without what may be the key in the wrong place. */
export const hideSecrets = (text: string): string =>
  secrets.reduce((shown, pattern) => shown.replace(pattern, "<hidden>"), text)
