/** A self-signed certificate for this machine, made on the spot. Node can sign one, but has nothing to lay it out with. */
import { generateKeyPairSync, sign } from "node:crypto"

/** PEM texts, as `node:https` takes them. */
export interface Certificate {
  readonly cert: string
  readonly key: string
}

/** Whom a certificate is for, and how long. */
export interface CertificateOptions {
  /** The four numbers of the only address that it is for. Default 127.0.0.1. */
  readonly address?: ReadonlyArray<number>
  /** Host names that it is for besides. Default: none. */
  readonly names?: ReadonlyArray<string>
  /** Two digits each of year, month, day, hour, minute and second, and a Z. Default: the end of 2049. */
  readonly until?: string
}

/** One ASN.1 value in DER. */
const der = (tag: number, ...parts: ReadonlyArray<Uint8Array>): Buffer => {
  const content = Buffer.concat(parts)
  const { length } = content
  const head = length < 128 ? [length] : length < 256 ? [0x81, length] : [0x82, length >> 8, length & 255]
  return Buffer.concat([Buffer.of(tag, ...head), content])
}

const sequence = (...parts: ReadonlyArray<Uint8Array>) => der(0x30, ...parts)
const objectId = (hex: string) => der(0x06, Buffer.from(hex, "hex"))
const time = (text: string) => der(0x17, Buffer.from(text))

const ecdsaWithSha256 = sequence(objectId("2a8648ce3d040302"))
const name = sequence(der(0x31, sequence(objectId("550403"), der(0x0c, Buffer.from("127.0.0.1")))))
const subjectAltName = (address: ReadonlyArray<number>, names: ReadonlyArray<string>) =>
  sequence(
    objectId("551d11"),
    der(
      0x04,
      sequence(der(0x87, Buffer.from(address)), ...names.map((hostName) => der(0x82, Buffer.from(hostName, "ascii"))))
    )
  )

/**
 * RFC 5280: a version 3 certificate of an ECDSA key, valid from 2020 on. Being its own issuer, its text is also what a
 * client has to trust.
 *
 * @example
 * const { cert, key } = selfSigned({ names: ["localhost"] })
 */
export const selfSigned = ({
  address = [127, 0, 0, 1],
  names = [],
  until = "491231235959Z"
}: CertificateOptions = {}): Certificate => {
  const { privateKey, publicKey } = generateKeyPairSync("ec", { namedCurve: "P-256" })
  const toSign = sequence(
    der(0xa0, der(0x02, Buffer.of(2))),
    der(0x02, Buffer.of(1)),
    ecdsaWithSha256,
    name,
    sequence(time("200101000000Z"), time(until)),
    name,
    publicKey.export({ type: "spki", format: "der" }),
    der(0xa3, sequence(subjectAltName(address, names)))
  )
  const signature = sign("sha256", toSign, privateKey)
  const certificate = sequence(toSign, ecdsaWithSha256, der(0x03, Buffer.of(0), signature))
  const body = certificate.toString("base64").replace(/.{64}/g, "$&\n")
  return {
    cert: `-----BEGIN CERTIFICATE-----\n${body}\n-----END CERTIFICATE-----\n`,
    key: privateKey.export({ type: "pkcs8", format: "pem" }).toString()
  }
}
