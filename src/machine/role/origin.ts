/** Where an origin listens, and for how many. */
export interface OriginPlace {
  host: string;
  connections: number;
}

/** A server that answers `/0`, `/1`, … with a body each. */
export interface Origin {
  port: number;
  /** Its name and version. */
  server: string;
  end(): Promise<void> | void;
}
