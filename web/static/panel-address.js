// The address of a panel with its holes filled, and the frame it stands in. What callers are called goes into the
// address as text, whatever it holds; nothing of our page is reachable from the frame.

const SANDBOX = "allow-scripts allow-forms allow-popups";

/** `values`: hole → what is known; what is not known is empty. */
export const filled = (address, values) => address.replace(/\{([a-z_]+)\}/g, (hole, name) => encodeURIComponent(values[name] ?? ""));

/** Whether the address is one of somebody else's pages; ours would be given our sign-in. */
export const foreign = (address) => {
  const url = URL.parse(address);
  return ["https:", "http:"].includes(url?.protocol) && url.hostname !== location.hostname;
};

/** The properties of the frame. `own`: it keeps its own cookies and storage. */
export const frame = (address, name, own) => ({
  title: name, class: "panel-frame", sandbox: own ? `${SANDBOX} allow-same-origin` : SANDBOX, referrerpolicy: "no-referrer", allow: "", src: address,
});
