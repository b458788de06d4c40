import { z } from 'zod';

export type JsonSchema = Readonly<Record<string, unknown>>;

/**
 * Schemas as JSON Schema of the draft 2020-12, which OpenAPI 3.1 takes as it is. A schema that has a name stands once, under
 * the document's components, and is referred to from everywhere else.
 */
export class SchemaWriter {
  readonly #names: ReadonlyMap<z.core.$ZodType, string>;
  readonly #components = new Map<string, JsonSchema>();

  constructor(names: ReadonlyMap<z.core.$ZodType, string>) {
    this.#names = names;
    for (const [schema, name] of names) this.#components.set(name, this.#write(schema, 'output', schema));
  }

  /** What a client sends, before defaults and coercion. */
  input(schema: z.ZodType): JsonSchema {
    return this.#write(schema, 'input');
  }

  /** What it is answered. */
  output(schema: z.ZodType): JsonSchema {
    return this.#write(schema, 'output');
  }

  components(): Record<string, JsonSchema> {
    return Object.fromEntries([...this.#components].sort(([a], [b]) => (a < b ? -1 : 1)));
  }

  #write(schema: z.core.$ZodType, io: 'input' | 'output', itself?: z.core.$ZodType): JsonSchema {
    const written = z.toJSONSchema(schema, {
      io,
      unrepresentable: 'any',
      override: ({ zodSchema, jsonSchema }) => {
        listOfOneKind(jsonSchema);
        const found: z.core.$ZodType = zodSchema;
        const name = found === itself ? undefined : this.#names.get(found);
        if (name === undefined) return;
        for (const key of Object.keys(jsonSchema)) delete jsonSchema[key];
        jsonSchema.$ref = `#/components/schemas/${name}`;
      },
    });
    const { $schema: _, ...rest } = written;
    return rest;
  }
}

/**
 * A vector is a list of so many numbers. Said as `prefixItems` it means the same, but generators and testers of clients that
 * grew up with older drafts make nonsense of it.
 */
function listOfOneKind(schema: z.core.JSONSchema.BaseSchema): void {
  const { prefixItems } = schema;
  if (prefixItems === undefined || schema.items !== false) return;
  const [first, ...others] = prefixItems.map((each) => JSON.stringify(each));
  if (first === undefined || others.some((other) => other !== first)) return;
  schema.items = JSON.parse(first);
  delete schema.prefixItems;
}
