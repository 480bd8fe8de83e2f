// A typed client of the hub. `schema.d.ts` is generated from the hub's /v1/openapi.json.

import createClient, { type Client } from "openapi-fetch";
import type { components, paths } from "./schema.js";

export type Schemas = components["schemas"];
export type Problem = Schemas["Problem"];
export type Change = Schemas["Change"];
export type Hub = Client<paths>;

/** A refusal; `problem.code` is stable, `problem.remedy` says what to do. */
export class HubError extends Error {
  constructor(readonly problem: Problem) {
    super(`${problem.code}: ${problem.detail}`);
  }
}

/** A client of the hub at `address`, asking with `token`. */
export function connect(address: string, token: string): Hub {
  return createClient<paths>({ baseUrl: address, headers: { Authorization: `Bearer ${token}` } });
}

/** The answer, or the refusal as an exception. */
export function answer<T>(reply: { data?: T; error?: Problem }): T {
  if (reply.error !== undefined) throw new HubError(reply.error);
  if (reply.data === undefined) throw new Error("the hub answered without a body");
  return reply.data;
}

/** A record that is there still, not what is left of one. */
export function isLive<T extends object>(entry: T | Schemas["Tombstone"]): entry is T {
  return !("deleted_at" in entry);
}

/** All changes behind `since`, in order; returns where to go on from. */
export async function* changesSince(
  hub: Hub,
  since = "",
  query: { company?: string; datasets?: string; limit?: number } = {},
): AsyncGenerator<Change, string> {
  for (;;) {
    const page = answer(await hub.GET("/v1/changes", { params: { query: { ...query, since } } }));
    yield* page.data;
    since = page.next_cursor;
    if (!page.has_more) return since;
  }
}

/** Posts an order under its key, again while the hub cannot be reached or asks to wait. */
export async function postOrder(hub: Hub, key: string, order: Schemas["SalesOrder"], attempts = 5): Promise<string> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      const reply = await hub.POST("/v1/sales_orders", {
        params: { header: { "Idempotency-Key": key } },
        body: order,
      });
      const { status, headers } = reply.response;
      if ((status !== 429 && status !== 503) || attempt >= attempts) return answer(reply).id;
      await pause(1000 * Number(headers.get("Retry-After") ?? 1));
    } catch (error) {
      // The same key is the same order, however often it is sent.
      if (error instanceof HubError || attempt >= attempts) throw error;
      await pause(250 * 2 ** attempt);
    }
  }
}

function pause(milliseconds: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, milliseconds));
}
