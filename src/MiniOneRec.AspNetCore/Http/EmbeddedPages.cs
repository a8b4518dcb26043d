using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;

namespace MiniOneRec.AspNetCore;

/// <summary>Pages that the package carries: files of the folder <c>Pages</c>, read once.</summary>
internal static class EmbeddedPages
{
    // Pages load nothing from elsewhere and cannot be framed.
    private const string Policy = "default-src 'none'; connect-src 'self'; img-src 'self' data:; style-src 'self' 'unsafe-inline'; "
        + "script-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

    /// <summary>Maps a file.</summary>
    public static void MapPage(this IEndpointRouteBuilder routes, string pattern, string file, string contentType)
    {
        byte[] content = Read(file);
        routes.MapGet(pattern, (HttpContext context) =>
        {
            context.Response.Headers.ContentSecurityPolicy = Policy;
            context.Response.Headers.XContentTypeOptions = "nosniff";
            context.Response.Headers.CacheControl = "no-cache";
            return Results.Bytes(content, contentType);
        }).ExcludeFromDescription();
    }

    private static byte[] Read(string file)
    {
        using var stream = typeof(EmbeddedPages).Assembly.GetManifestResourceStream($"Pages/{file}")
            ?? throw new InvalidOperationException($"The package carries no page '{file}'.");
        using var memory = new MemoryStream();
        stream.CopyTo(memory);
        return memory.ToArray();
    }
}
