export interface RequestOptions extends RequestInit {
  /** False leaves the credential out; a string is used as the token. */
  credential?: false | string;
}

export interface Target {
  origin: string;
  socketPath: string | undefined;
  token: string;
}

/** One connection for each request, so that no test sees another's connection or a server that has gone. */
export function request(target: Target, path: string, options: RequestOptions = {}): Promise<Response> {
  const { credential = target.token, ...init } = options;
  const headers = new Headers(init.headers);
  if (credential && !headers.has("authorization")) headers.set("authorization", `Bearer ${credential}`);
  const unix = target.socketPath === undefined ? {} : { unix: target.socketPath };
  return fetch(target.origin + path, { keepalive: false, ...init, ...unix, headers });
}
