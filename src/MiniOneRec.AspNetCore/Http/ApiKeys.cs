using System.Security.Cryptography;
using System.Text;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Options;

namespace MiniOneRec.AspNetCore;

/// <summary>Finds out what a caller may do.</summary>
/// <remarks>Hashes of equal length are compared with those of all keys, so that neither time nor an early end tells how much of a key was
/// right.</remarks>
internal sealed class ApiKeys(IOptions<ServingOptions> options)
{
    private readonly (byte[] Hash, ApiScopes Scopes)[] _keys =
        [.. options.Value.Keys.Select(key => (key.Key.Length > 0 ? HashOf(key.Key) : Convert.FromHexString(key.Sha256), key.Scopes))];

    private readonly ApiScopes _anonymous = options.Value.AnonymousScopes;

    /// <summary>Checks that a request may go on.</summary>
    /// <exception cref="ServingProblem">401 without a known key, 403 where the key does not allow it.</exception>
    public void Check(HttpRequest request, ApiScopes needed)
    {
        string? given = Given(request);
        var scopes = _anonymous;
        bool known = false;
        if (given is not null)
        {
            byte[] hash = HashOf(given);
            foreach (var (keyHash, keyScopes) in _keys)
            {
                bool same = CryptographicOperations.FixedTimeEquals(hash, keyHash);
                scopes |= same ? keyScopes : ApiScopes.None;
                known |= same;
            }

            if (!known)
            {
                throw new ServingProblem(401, "key", "The key is not known", "The key of the request is none of this server's.");
            }
        }

        if ((scopes & needed) == 0)
        {
            throw known
                ? new ServingProblem(403, "scope", "The key does not allow this", $"The route needs a key with the scope '{Name(needed)}'.")
                : new ServingProblem(401, "key", "A key is needed",
                    $"The route needs a key with the scope '{Name(needed)}', as 'Authorization: Bearer KEY' or 'X-API-Key: KEY'.");
        }
    }

    private static string Name(ApiScopes scope) => scope switch
    {
        ApiScopes.Admin => "admin",
        ApiScopes.Events => "events",
        _ => "recommend",
    };

    private static string? Given(HttpRequest request)
    {
        if (request.Headers.TryGetValue("X-API-Key", out var key) && key.Count > 0)
        {
            return key[0];
        }

        string? authorization = request.Headers.Authorization;
        return authorization?.StartsWith("Bearer ", StringComparison.OrdinalIgnoreCase) == true ? authorization[7..].Trim() : null;
    }

    private static byte[] HashOf(string key) => SHA256.HashData(Encoding.UTF8.GetBytes(key));
}
