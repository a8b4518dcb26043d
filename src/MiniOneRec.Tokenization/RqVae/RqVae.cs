using MiniOneRec.Tensors;
using TorchSharp;
using TorchSharp.Utils;
using static TorchSharp.torch;
using F = TorchSharp.torch.nn.functional;

namespace MiniOneRec.Tokenization;

/// <summary>The residual-quantized autoencoder: encoder, residual levels, decoder.</summary>
/// <remarks>
/// Lee et al. (arXiv:2203.01941) as TIGER (arXiv:2305.05065) uses it on text embeddings. Total loss: reconstruction + weight · quantisation
/// + weight · balance. With <c>residualEncoder</c> the encoder is x + MLP(x) from a zero start, as in RQ-KMeans+.
/// </remarks>
internal sealed class RqVae : nn.Module
{
    [ComponentName(Name = "encoder")]
    private readonly Mlp _encoder;

    [ComponentName(Name = "quantizer")]
    private readonly ResidualQuantizer _quantizer;

    [ComponentName(Name = "decoder")]
    private readonly Mlp _decoder;

    private readonly RqVaeOptions _options;

    /// <param name="options">The options.</param>
    /// <param name="width">E, the width of the input.</param>
    /// <param name="residualEncoder">Whether the encoder is x + MLP(x); the latent width is then E.</param>
    public RqVae(RqVaeOptions options, int width, bool residualEncoder = false)
        : base(nameof(RqVae))
    {
        _options = options;
        int latent = residualEncoder ? width : options.LatentWidth;
        long[] widths = [width, .. options.HiddenWidths, latent];
        _encoder = new Mlp(widths, options.Dropout, options.BatchNorm, residualEncoder);
        _quantizer = new ResidualQuantizer(options, latent);
        _decoder = new Mlp([.. widths.Reverse()], options.Dropout, options.BatchNorm);
        RegisterComponents();
    }

    /// <summary>Gets the residual levels.</summary>
    public ResidualQuantizer Quantizer => _quantizer;

    /// <summary>Maps vectors to latent vectors, <c>[B, E]</c> to <c>[B, Z]</c>.</summary>
    public Tensor Encode(Tensor x) => _encoder.forward(x);

    /// <summary>Maps latent vectors to vectors, <c>[B, Z]</c> to <c>[B, E]</c>.</summary>
    public Tensor Decode(Tensor z) => _decoder.forward(z);

    /// <summary>Runs a batch with gradients.</summary>
    /// <param name="x">Vectors, <c>[B, E]</c>.</param>
    public RqVaeOutput Forward(Tensor x)
    {
        using var scope = NewDisposeScope();
        var latent = Encode(x);                                                             // [B, Z]
        var quantised = _quantizer.Forward(latent);
        var reconstruction = Decode(quantised.Quantised);                                   // [B, E]
        var error = _options.Loss == ReconstructionLoss.AbsoluteError ? F.l1_loss(reconstruction, x) : F.mse_loss(reconstruction, x);
        var loss = error.Plus(quantised.Loss * Scalars.Of(_options.QuantizationWeight));
        if (quantised.Balance is not null)
        {
            loss = loss.Plus(quantised.Balance * Scalars.Of(_options.BalanceWeight));
        }

        loss.MoveToOuterDisposeScope();
        error.MoveToOuterDisposeScope();
        latent.MoveToOuterDisposeScope();
        reconstruction.MoveToOuterDisposeScope();
        quantised.Codes.MoveToOuterDisposeScope();
        quantised.Residuals.MoveToOuterDisposeScope();
        quantised.Quantised.MoveToOuterDisposeScope();
        quantised.LevelLosses.MoveToOuterDisposeScope();
        quantised.Loss.MoveToOuterDisposeScope();
        quantised.Balance?.MoveToOuterDisposeScope();
        return new RqVaeOutput(loss, error, latent, reconstruction, quantised);
    }

    /// <summary>Lists parameters and buffers by name, for artifacts and checkpoints; they alias the module's own.</summary>
    public IReadOnlyList<(string Name, Tensor Value)> Tensors() =>
        [.. named_parameters().Select(pair => (pair.name, (Tensor)pair.parameter)),
            .. named_buffers().Select(pair => (pair.name, pair.buffer))];
}

/// <summary>What <see cref="RqVae"/> makes of a batch: losses are scalars, latent vectors <c>[B, Z]</c>, reconstruction <c>[B,
/// E]</c>.</summary>
internal sealed record RqVaeOutput(Tensor Loss, Tensor ReconstructionLoss, Tensor Latent, Tensor Reconstruction, QuantizedLatent Quantised);
