import { describe, expect, test } from "bun:test";
import { Webhook } from "standardwebhooks";
import { makeSigner } from "./sign.ts";

const secret = `whsec_${Buffer.alloc(32, 7).toString("base64")}`;

describe("a signature", () => {
  test("is what the public library verifies", async () => {
    const body = '{"text":"\u00e9\ud83e\udd8a"}';
    const headers = await makeSigner(() => secret)("msg_1_ended", Date.now(), body);
    expect(new Webhook(secret).verify(body, headers)).toEqual(JSON.parse(body));
    expect(() => new Webhook(secret).verify(`${body} `, headers)).toThrow();
    expect(() => new Webhook(secret).verify(body, { ...headers, "webhook-id": "msg_2_ended" })).toThrow();
  });

  test("is that of the specification's own example", async () => {
    const sign = makeSigner(() => "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw");
    const headers = await sign("msg_p5jXN8AQM9LWM0D4loKWxJek", 1_614_265_330_999, '{"test": 2432232314}');
    expect(headers).toEqual({
      "webhook-id": "msg_p5jXN8AQM9LWM0D4loKWxJek",
      "webhook-timestamp": "1614265330",
      "webhook-signature": "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=",
    });
  });

  test("asks for the secret at first use, and again only after a failure", async () => {
    let asked = 0;
    const sign = makeSigner(() => {
      asked += 1;
      if (asked === 1) throw new Error("no secret");
      return secret;
    });
    expect(asked).toBe(0);
    await expect(sign("a", 0, "")).rejects.toThrow("no secret");
    await sign("a", 0, "");
    await sign("b", 0, "");
    expect(asked).toBe(2);
  });
});
