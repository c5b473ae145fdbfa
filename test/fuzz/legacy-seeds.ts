const encode = (text: string): string => Buffer.from(text).toString("base64url");

/** A modulus printed in draft-hallambaker-mesh-architecture-02 section 8.2, and the fingerprint printed beside it. */
const UDF = "MDL54-N2LX5-25QIS-TBUVR-B5VN7-D2AXY";
const N =
  "zTjCcO-QvcZjO7L2EF0J6sLYzDuhvOy0Yl0aX-r9-3s61xKGbvYt3rv5NwI44WddClq9KDjZCPMTTm_gYFopSfUWwvs5GyU8HiG5ZG8VJq7fJy-Fdag" +
  "KEX_9KbEVLff5EdZH_R28EU47keLItXJ3TTz2SXZwuEsMMVWnhl-T6zzscUm_vsGaBeImuS_9KOoQ7qEebEkUKlirLKv1CerV8osNaNJsR4eUqZ_SFSy" +
  "EqtgGFgn3u1O99OgNNiDCRR_qdxJHatcBepREag9Y3Tp5dz2PhjYsWUGPG0C5Le0L-2goiuwK33Mna3CFYibqU9d2zB4iKM4EjSucgY-aOoSNIQ";
const KEY = { UDF, PublicParameters: { PublicKeyRSA: { kid: UDF, n: N, e: "AQAB" } } };
const SIGNATURE = encode("s".repeat(256));

const of2016 = (payload: object): object => ({
  header: encode(JSON.stringify({ alg: "RS512", kid: UDF })),
  payload: encode(JSON.stringify(payload)),
  signature: SIGNATURE,
});

const of2017 = (payload: object): object => ({
  unprotected: { dig: "S512" },
  payload: encode(JSON.stringify(payload)),
  signatures: [
    { header: { kid: UDF }, protected: encode(JSON.stringify({ alg: "RS512", val: SIGNATURE })), signature: SIGNATURE },
  ],
});

/** Files as the reference implementation of 2016 and 2017 wrote them, but with signatures that are none. */
export const legacySeeds = (): string[] =>
  [of2016, of2017].flatMap((sign) => {
    const device = {
      Identifier: UDF,
      SignedData: sign({ DeviceProfile: { Identifier: UDF, DeviceSignatureKey: KEY } }),
    };
    const master = {
      Identifier: UDF,
      SignedData: sign({ MasterProfile: { Identifier: UDF, MasterSignatureKey: KEY, OnlineSignatureKeys: [KEY] } }),
    };
    const personal = {
      Identifier: UDF,
      SignedData: sign({
        PersonalProfile: { Identifier: UDF, SignedMasterProfile: master, Devices: [device], Applications: [] },
      }),
    };
    const item = { TransactionID: "1", PrimaryKey: UDF, Action: "New", Added: "2016-09-01T12:00:00Z" };
    const wrapped = JSON.stringify({ SignedPersonalProfile: personal }).replace(/[\w-]{64}/g, "$&\n");
    return [
      wrapped,
      `${JSON.stringify({ DataItem: { ...item, Text: JSON.stringify({ SignedDeviceProfile: device }) } })}\n`.repeat(2),
      `\u0000\u0001\u0002${JSON.stringify({ ...item, Text: wrapped })}\u0003`,
    ];
  });
