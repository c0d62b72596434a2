/** Control characters, and those that turn the direction of text: what a server says must not steer a terminal. */
const controls = /[\u0000-\u001f\u007f-\u009f\u2028\u2029\u202a-\u202e\u2066-\u2069]/g

/** Text of a server on one line, as it can be shown to people. */
export const plainText = (text: string): string => text.replace(controls, "\ufffd")
