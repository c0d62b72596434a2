/** Certificates of servers that are not PostHog. */
export { type Certificate, selfSigned } from "../../src/testing/Certificate.ts"
