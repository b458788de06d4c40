/** A bundle that cannot be served. `field` is the manifest's path of what is wrong (`inputs.state.dim`, `sha256.policy.onnx`). */
export class BundleError extends Error {
  override readonly name = 'BundleError';
  readonly field: string;
  readonly reason: string;
  readonly bundle: string;

  constructor(bundle: string, field: string, reason: string, cause?: unknown) {
    super(`policy bundle ${bundle}: ${field}: ${reason}`, cause === undefined ? undefined : { cause });
    this.bundle = bundle;
    this.field = field;
    this.reason = reason;
  }
}
