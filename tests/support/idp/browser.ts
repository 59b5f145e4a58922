/** A page as a person sees it. */
export interface Page {
  readonly url: URL;
  readonly status: number;
  readonly text: string;
}

interface Cookie {
  readonly value: string;
  readonly path: string;
}

/** Most pages on the way to one goal. */
const MAX_STEPS = 30;

/**
 * A browser without a screen: follows redirects, keeps cookies, and fills in the forms it meets. What
 * a field is filled with goes by its name; the others keep what the page put there.
 */
export class FormBrowser {
  readonly #cookies = new Map<string, Map<string, Cookie>>();

  /** `client` is for servers whose CA is not a public one. */
  constructor(
    private readonly fields: Readonly<Record<string, string>>,
    private readonly client?: Deno.HttpClient,
  ) {}

  /** Opens `url` and submits forms until a page has none, or `isEnough` says so. */
  async walk(url: string | URL, isEnough = (_: URL) => false): Promise<Page> {
    let page = await this.#open(new URL(url), isEnough);
    for (let step = 0; step < MAX_STEPS; step++) {
      const form = firstForm(page);
      if (form === undefined || isEnough(page.url)) return page;
      const body = new URLSearchParams(form.fields);
      for (const name of body.keys()) {
        const own = this.fields[name];
        if (own !== undefined) body.set(name, own);
      }
      page = await this.#open(form.action, isEnough, body);
    }
    throw new Error(`no end after ${MAX_STEPS} forms: ${page.url}\n${page.text}`);
  }

  async #open(
    url: URL,
    isEnough: (url: URL) => boolean,
    body: URLSearchParams | null = null,
  ): Promise<Page> {
    let target = url;
    let form = body;
    for (let step = 0; step < MAX_STEPS; step++) {
      if (isEnough(target)) return { url: target, status: 0, text: "" };
      const response = await fetch(target, {
        method: form === null ? "GET" : "POST",
        body: form,
        redirect: "manual",
        ...(this.client === undefined ? {} : { client: this.client }),
        headers: { cookie: this.#cookiesFor(target), accept: "text/html" },
      });
      this.#keep(target, response);
      const location = response.headers.get("location");
      if (location === null) {
        return { url: target, status: response.status, text: await response.text() };
      }
      await response.body?.cancel();
      target = new URL(location, target);
      form = null;
    }
    throw new Error(`too many redirects: ${target}`);
  }

  #cookiesFor({ host, pathname }: URL): string {
    return [...this.#cookies.get(host) ?? []]
      .filter(([, { path }]) => pathname.startsWith(path))
      .map(([name, { value }]) => `${name.split("\n")[0]}=${value}`).join("; ");
  }

  #keep({ host }: URL, response: Response): void {
    const jar = this.#cookies.get(host) ?? new Map<string, Cookie>();
    this.#cookies.set(host, jar);
    for (const line of response.headers.getSetCookie()) {
      const [pair = "", ...attributes] = line.split(/; */);
      const [name = "", value = ""] = pair.split(/=(.*)/s);
      const path = attributes.find((text) => /^path=/i.test(text))?.slice("path=".length) ?? "/";
      if (value === "") jar.delete(`${name}\n${path}`);
      else jar.set(`${name}\n${path}`, { value, path });
    }
  }
}

function firstForm({ url, text }: Page) {
  const form = /<form\b([^>]*)>(.*?)<\/form>/s.exec(text);
  if (form === null) return undefined;
  const fields: [string, string][] = [];
  for (const [tag] of (form[2] ?? "").matchAll(/<(?:input|button)\b[^>]*>/g)) {
    const name = attribute(tag, "name");
    if (name !== undefined && name !== "abort") fields.push([name, attribute(tag, "value") ?? ""]);
  }
  return { action: new URL(attribute(form[1] ?? "", "action") ?? url.href, url), fields };
}

function attribute(tag: string, name: string): string | undefined {
  const match = new RegExp(`\\b${name}="([^"]*)"`).exec(tag);
  return match?.[1]?.replaceAll("&amp;", "&");
}
