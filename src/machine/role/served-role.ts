/** A role as it is served: its handlers, and what ends it. */
export interface ServedRole {
  handlers: Record<string, (parameters: never) => unknown>;
  /** Ends everything the role has started. Called once, before the process exits. */
  end: () => Promise<void> | void;
  /** How long that may take, where it may take longer than usual, milliseconds. */
  endTimeout?: number;
}
