using System.Buffers;
using System.Text.Json;
using System.Text.Json.Serialization.Metadata;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;

namespace MiniOneRec.AspNetCore;

/// <summary>Reads bodies of bounded size.</summary>
internal static class RequestBody
{
    /// <summary>Reads a whole body.</summary>
    /// <param name="context">The request.</param>
    /// <param name="most">The largest size, in bytes.</param>
    /// <exception cref="ServingProblem">413 where it is larger; nothing beyond the limit is kept.</exception>
    public static async Task<byte[]> ReadAsync(HttpContext context, int most)
    {
        if (context.Request.ContentLength > most)
        {
            throw ServingProblem.TooLarge(most);
        }

        if (context.Features.Get<IHttpMaxRequestBodySizeFeature>() is { IsReadOnly: false } limit)
        {
            limit.MaxRequestBodySize = most;
        }

        var writer = new ArrayBufferWriter<byte>((int)Math.Min(most, context.Request.ContentLength ?? 1_024) + 1);
        var reader = context.Request.BodyReader;
        while (true)
        {
            var result = await reader.ReadAsync(context.RequestAborted).ConfigureAwait(false);
            if (writer.WrittenCount + result.Buffer.Length > most)
            {
                reader.AdvanceTo(result.Buffer.End);
                throw ServingProblem.TooLarge(most);
            }

            foreach (var segment in result.Buffer)
            {
                writer.Write(segment.Span);
            }

            reader.AdvanceTo(result.Buffer.End);
            if (result.IsCompleted)
            {
                return writer.WrittenSpan.ToArray();
            }
        }
    }

    /// <summary>Reads a body of JSON.</summary>
    /// <exception cref="ServingProblem">400 where it is no such JSON, 413 where it is larger.</exception>
    public static async Task<T> ReadAsync<T>(HttpContext context, JsonTypeInfo<T> type, int most)
        where T : class => Parse(await ReadAsync(context, most).ConfigureAwait(false), type, "The body");

    /// <summary>Parses JSON.</summary>
    /// <exception cref="ServingProblem">400 where it is no such JSON.</exception>
    public static T Parse<T>(ReadOnlySpan<byte> json, JsonTypeInfo<T> type, string what)
        where T : class
    {
        try
        {
            return JsonSerializer.Deserialize(json, type) ?? throw ServingProblem.Malformed($"{what} is null; expected an object.");
        }
        catch (JsonException e)
        {
            throw ServingProblem.Malformed($"{what} is not the JSON that was expected: {Short(e.Message)}");
        }
    }

    private static string Short(string message) => message.Length <= 300 ? message : message[..300] + "…";
}
