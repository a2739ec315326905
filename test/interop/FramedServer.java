/**
 * A server of the framed protocol in Netty: answers logins and questions, pushes a frame of data once a second, and
 * closes whom it has not heard for 2 s. Usage: java -cp NETTY'S-JARS FramedServer.java PORT (0: any); prints its port
 * first.
 */

import io.netty.bootstrap.ServerBootstrap;
import io.netty.buffer.ByteBuf;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelInboundHandlerAdapter;
import io.netty.channel.ChannelInitializer;
import io.netty.channel.nio.NioEventLoopGroup;
import io.netty.channel.socket.SocketChannel;
import io.netty.channel.socket.nio.NioServerSocketChannel;
import io.netty.handler.codec.LengthFieldBasedFrameDecoder;
import io.netty.handler.timeout.IdleState;
import io.netty.handler.timeout.IdleStateEvent;
import io.netty.handler.timeout.IdleStateHandler;
import java.net.InetSocketAddress;
import java.nio.charset.StandardCharsets;
import java.util.concurrent.TimeUnit;

public class FramedServer {
  static final int MARK = 0xABEF0101;

  static void say(String text) {
    System.out.println(text);
    System.out.flush();
  }

  static class Client extends ChannelInboundHandlerAdapter {
    String name = "?";

    void send(ChannelHandlerContext context, int type, byte... body) {
      ByteBuf frame = context.alloc().buffer(9 + body.length);
      context.writeAndFlush(frame.writeInt(MARK).writeInt(body.length + 1).writeByte(type).writeBytes(body));
    }

    @Override public void channelRead(ChannelHandlerContext context, Object message) {
      ByteBuf frame = (ByteBuf) message;
      try {
        if (frame.readInt() != MARK) throw new IllegalStateException("bad mark");
        frame.skipBytes(4);
        switch (frame.readByte()) {
          case 3:
            name = frame.toString(StandardCharsets.US_ASCII);
            send(context, 4, (byte) 0);
            context.executor().scheduleAtFixedRate(
              () -> send(context, 2, "pushed".getBytes(StandardCharsets.US_ASCII)), 1, 1, TimeUnit.SECONDS);
            say("login " + name);
            break;
          case 5:
            send(context, 6);
            say("beat " + name);
            break;
          case 2: say("data " + name + " " + frame.readableBytes());
        }
      } finally {
        frame.release();
      }
    }

    @Override public void userEventTriggered(ChannelHandlerContext context, Object event) {
      if (!(event instanceof IdleStateEvent) || ((IdleStateEvent) event).state() != IdleState.READER_IDLE) return;
      say("silent " + name);
      context.close();
    }

    @Override public void exceptionCaught(ChannelHandlerContext context, Throwable cause) {
      say("gone " + name + " " + cause.getMessage());
      context.close();
    }
  }

  public static void main(String[] arguments) throws InterruptedException {
    ServerBootstrap server = new ServerBootstrap()
      .group(new NioEventLoopGroup(1))
      .channel(NioServerSocketChannel.class)
      .childHandler(new ChannelInitializer<SocketChannel>() {
        @Override protected void initChannel(SocketChannel channel) {
          channel.pipeline().addLast(
            new IdleStateHandler(2, 0, 0), new LengthFieldBasedFrameDecoder(65536, 4, 4, 0, 0), new Client());
        }
      });
    InetSocketAddress address = (InetSocketAddress) server.bind("127.0.0.1", Integer.parseInt(arguments[0]))
      .sync().channel().localAddress();
    say("port " + address.getPort());
  }
}
