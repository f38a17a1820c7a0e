// How values of JavaScript travel in lines of JSON to and from tests in another language: binary ones as {"$binary":
// "base64"} and dates, towards Node.js only, as {"$date": "ISO text"}, at any depth.

export function encode(value) {
  if (value instanceof Uint8Array || value instanceof ArrayBuffer) {
    return { $binary: Buffer.from(value).toString("base64") };
  }
  if (Array.isArray(value)) {
    return value.map(encode);
  }
  if (value instanceof Date) {
    return value.toJSON();
  }
  if (value !== null && typeof value === "object") {
    return Object.fromEntries(Object.entries(value).map(([key, entry]) => [key, encode(entry)]));
  }
  return value;
}

export function decode(value) {
  if (Array.isArray(value)) {
    return value.map(decode);
  }
  if (value !== null && typeof value === "object") {
    const keys = Object.keys(value);
    if (keys.length === 1 && typeof value.$binary === "string") {
      return Buffer.from(value.$binary, "base64");
    }
    if (keys.length === 1 && typeof value.$date === "string") {
      return new Date(value.$date);
    }
    return Object.fromEntries(keys.map((key) => [key, decode(value[key])]));
  }
  return value;
}
