import { assert, describe, it } from "@effect/vitest"
import { X509Certificate } from "node:crypto"
import { selfSigned } from "../../src/testing/Certificate.ts"

describe("selfSigned", () => {
  it("is for the loopback address, signed by its own key", () => {
    const certificate = new X509Certificate(selfSigned().cert)
    assert.strictEqual(certificate.checkIP("127.0.0.1"), "127.0.0.1")
    assert.isUndefined(certificate.checkHost("localhost"))
    assert.isTrue(certificate.verify(certificate.publicKey))
    assert.strictEqual(certificate.validToDate.getUTCFullYear(), 2049)
  })

  it("is for what it was asked to be for, until when it was asked", () => {
    const { cert } = selfSigned({ address: [10, 0, 0, 1], names: ["localhost", "c1.example"], until: "210101000000Z" })
    const certificate = new X509Certificate(cert)
    assert.strictEqual(certificate.checkHost("c1.example"), "c1.example")
    assert.strictEqual(certificate.checkHost("localhost"), "localhost")
    assert.isUndefined(certificate.checkIP("127.0.0.1"))
    assert.isBelow(certificate.validToDate.getTime(), Date.UTC(2021, 0, 2))
  })

  it("has a key of its own each time", () => {
    assert.notStrictEqual(selfSigned().key, selfSigned().key)
  })
})
