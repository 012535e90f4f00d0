// A certified provider of OpenID Connect, for tests/http/test_oidc.py: whoever types a name is that person.
// node oidc.mjs <port> <client id> <client secret> <redirect uri>
import Provider from "oidc-provider";

const [port, client_id, client_secret, redirect_uri] = process.argv.slice(2);
const provider = new Provider(`http://127.0.0.1:${port}`, {
    clients: [{ client_id, client_secret, redirect_uris: [redirect_uri] }],
    claims: { openid: ["sub"], email: ["email", "email_verified"], profile: ["name", "groups"] },
    pkce: { required: () => true },
    findAccount: (_context, name) => ({
        accountId: name,
        claims: () => ({
            sub: name,
            name,
            email: `${name}@shop.example`,
            email_verified: true,
            groups: name.startsWith("eva") ? ["sellers"] : [],
        }),
    }),
});
provider.listen(Number(port), "127.0.0.1", () => console.log("ready"));
